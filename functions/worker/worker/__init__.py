"""The worker: turns a picture into a 3D model and calls the backend back with the results."""
