from tests.databases import *  # noqa: F403 - the fixtures, by the names their module lists
