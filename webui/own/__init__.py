"""What is the user's own: tasks, reminders and bulletins behind the bell, the own figures and recordings."""
