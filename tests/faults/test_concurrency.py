"""Runs and readers at the same time: nothing lost, nothing twice, and no reader sees a mixture."""
