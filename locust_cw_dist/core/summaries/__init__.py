"""What all stages share: results, histograms, summaries, windows."""
