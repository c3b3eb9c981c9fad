"""What a run costs and needs: series, calls, prices, permissions."""
