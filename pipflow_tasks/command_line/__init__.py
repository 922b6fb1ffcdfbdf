"""The command line of the program ``pipflow``: its words, its help, and its completion.

Invoke parses what ``arguments`` has put in order, and runs the task.
"""
