"""The spine without network: real database, real decisions, a clock in the test's hand."""

from tests.databases import *  # noqa: F403
