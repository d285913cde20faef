"""Any PettingZoo environment, through one adapter."""
