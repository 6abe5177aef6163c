"""What a home no longer needs: found by a stated retention, shown, and removed."""
