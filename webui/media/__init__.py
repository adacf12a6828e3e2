"""Media and their airings: the plan of a week, its import, what each airing brought."""
