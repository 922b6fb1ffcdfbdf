"""A set of versions that go together, or why there is none.

``problem`` holds the words, ``partition`` which environments share a version, ``candidates`` what
there is to pick from, ``finder`` one project's versions, ``search`` the search, ``solving`` what is
asked of it, ``reasons`` the sentences about what is held.
"""

from .candidates import Candidates, Catalog, View
from .partition import Key, Partition, make_partition, project_of, where_of
from .problem import (
    MAX_LINES,
    MAX_ROUNDS,
    TYPED,
    Cause,
    Conflict,
    Dependency,
    Limits,
    Pick,
    Preference,
    Root,
    Solution,
    Waiver,
    dependency_of,
    has_version_for,
    in_each,
)
from .reasons import Reason, why_excluded, why_forbidden, why_none_given
from .solving import (
    FEW_ROUNDS,
    find_conflicting,
    find_fewest,
    improve,
    rule_out,
    solve,
    solve_around,
)

__all__ = [
    "FEW_ROUNDS",
    "MAX_LINES",
    "MAX_ROUNDS",
    "TYPED",
    "Candidates",
    "Catalog",
    "Cause",
    "Conflict",
    "Dependency",
    "Key",
    "Limits",
    "Partition",
    "Pick",
    "Preference",
    "Reason",
    "Root",
    "Solution",
    "View",
    "Waiver",
    "dependency_of",
    "find_conflicting",
    "find_fewest",
    "has_version_for",
    "improve",
    "in_each",
    "make_partition",
    "project_of",
    "rule_out",
    "solve",
    "solve_around",
    "where_of",
    "why_excluded",
    "why_forbidden",
    "why_none_given",
]
