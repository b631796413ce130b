"""Data sets of images that are read from files, one file each, called as the data set (`trainables.datasets.reads_files`)."""
