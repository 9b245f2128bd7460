"""What is told to whom about which fact, in which words. Pure: facts in, notices out."""
