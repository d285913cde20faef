"""Multi-Agent MuJoCo: Gymnasium's v5 tasks, their joints split among agents."""
