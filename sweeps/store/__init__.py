"""What is stored of a study, under whose lease, and by which versions."""
