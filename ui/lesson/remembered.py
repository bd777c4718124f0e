"""What the lesson computes once for everybody, as in ui/remembered.py: bounded, and whoever comes meanwhile waits."""
