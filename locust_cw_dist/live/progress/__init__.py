"""What is shown of a run while it goes on: closed windows are merged, and a state is made when somebody looks."""
