"""What many tries do to a result: selection, multiple tests, and the size of the tests themselves."""
