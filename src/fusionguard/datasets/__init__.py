"""What tables mean: declarations of data sets, how they are read and checked, and those that ship."""
