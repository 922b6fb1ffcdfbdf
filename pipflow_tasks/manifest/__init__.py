"""The requirements files of a project as they are read: includes, constraints, addresses."""
