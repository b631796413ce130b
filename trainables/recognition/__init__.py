"""Recognition of images: features and classes that image metrics read, by a classifier trained once per data set, or by somebody's file."""
