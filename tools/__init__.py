"""What stands outside the switch and plays against it: terminal simulator, demo world, demo."""
