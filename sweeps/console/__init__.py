"""Options as they are read, errors in one line, and passwords that are not shown."""
