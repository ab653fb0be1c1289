from tests.functional.api.conftest import *  # noqa: F403
