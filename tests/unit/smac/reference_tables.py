"""The published facts about the 23 SMAC maps, so that the tests do not read the code's own tables."""

from __future__ import annotations

from typing import NamedTuple


class MapFacts(NamedTuple):
    """One row of the table of maps: what SMAC itself reports with default arguments."""

    agents: int
    enemies: int
    limit: int
    ally_race: str
    enemy_race: str
    map_type: str
    type_bits: int
    actions: int
    obs: int
    state: int
    max_reward: int


FACTS: dict[str, MapFacts] = {
    "3m": MapFacts(3, 3, 60, "T", "T", "marines", 0, 9, 30, 48, 365),
    "8m": MapFacts(8, 8, 120, "T", "T", "marines", 0, 14, 80, 168, 640),
    "25m": MapFacts(25, 25, 150, "T", "T", "marines", 0, 31, 250, 950, 1575),
    "5m_vs_6m": MapFacts(5, 6, 70, "T", "T", "marines", 0, 12, 55, 98, 530),
    "8m_vs_9m": MapFacts(8, 9, 120, "T", "T", "marines", 0, 15, 85, 179, 695),
    "10m_vs_11m": MapFacts(10, 11, 150, "T", "T", "marines", 0, 17, 105, 243, 805),
    "27m_vs_30m": MapFacts(27, 30, 180, "T", "T", "marines", 0, 36, 285, 1170, 1850),
    "MMM": MapFacts(10, 10, 150, "T", "T", "MMM", 3, 16, 160, 290, 1015),
    "MMM2": MapFacts(10, 12, 180, "T", "T", "MMM", 3, 18, 176, 322, 1205),
    "2s3z": MapFacts(5, 5, 120, "P", "P", "stalkers_and_zealots", 2, 11, 80, 120, 1020),
    "3s5z": MapFacts(8, 8, 150, "P", "P", "stalkers_and_zealots", 2, 14, 128, 216, 1510),
    "3s5z_vs_3s6z": MapFacts(8, 9, 170, "P", "P", "stalkers_and_zealots", 2, 15, 136, 230, 1670),
    "3s_vs_3z": MapFacts(3, 3, 150, "P", "P", "stalkers", 0, 9, 36, 54, 680),
    "3s_vs_4z": MapFacts(3, 4, 200, "P", "P", "stalkers", 0, 10, 42, 61, 840),
    "3s_vs_5z": MapFacts(3, 5, 250, "P", "P", "stalkers", 0, 11, 48, 68, 1000),
    "1c3s5z": MapFacts(9, 9, 180, "P", "P", "colossi_stalkers_zealots", 3, 15, 162, 270, 1870),
    "2m_vs_1z": MapFacts(2, 1, 150, "T", "P", "marines", 0, 7, 16, 26, 360),
    "corridor": MapFacts(6, 24, 400, "P", "Z", "zealots", 0, 30, 156, 282, 1280),
    "6h_vs_8z": MapFacts(6, 8, 150, "Z", "P", "hydralisks", 0, 14, 78, 140, 1480),
    "2s_vs_1sc": MapFacts(2, 1, 300, "P", "Z", "stalkers", 0, 7, 17, 27, 510),
    "so_many_baneling": MapFacts(7, 32, 100, "P", "Z", "zealots", 0, 38, 202, 397, 1480),
    "bane_vs_bane": MapFacts(24, 24, 200, "Z", "Z", "bane", 2, 30, 336, 984, 1260),
    "2c_vs_64zg": MapFacts(2, 64, 400, "P", "Z", "colossus", 0, 70, 332, 342, 3080),
}

ON_POLICY_SIZES: dict[str, tuple[int, int, int]] = {
    "3m": (64, 81, 75),
    "8m": (204, 251, 280),
    "5m_vs_6m": (124, 156, 170),
    "10m_vs_11m": (289, 351, 430),
    "27m_vs_30m": (1288, 1458, 2250),
    "MMM": (334, 393, 450),
    "MMM2": (370, 435, 538),
    "2s3z": (144, 173, 175),
    "3s5z": (252, 299, 328),
    "3s5z_vs_3s6z": (268, 318, 365),
    "3s_vs_5z": (88, 111, 123),
    "1c3s5z": (310, 363, 405),
    "corridor": (346, 435, 1002),
    "6h_vs_8z": (172, 213, 252),
    "2c_vs_64zg": (478, 675, 4822),
    "bane_vs_bane": (1084, 1227, 1704),
}
"""Observation, state of one agent, shared state in the MAPPO fork with its defaults."""

ALLY_KINDS: dict[str, list[str]] = {
    "3m": ["marine"] * 3,
    "8m": ["marine"] * 8,
    "25m": ["marine"] * 25,
    "5m_vs_6m": ["marine"] * 5,
    "8m_vs_9m": ["marine"] * 8,
    "10m_vs_11m": ["marine"] * 10,
    "27m_vs_30m": ["marine"] * 27,
    "MMM": ["marauder"] * 2 + ["marine"] * 7 + ["medivac"],
    "MMM2": ["marauder"] * 2 + ["marine"] * 7 + ["medivac"],
    "2s3z": ["stalker"] * 2 + ["zealot"] * 3,
    "3s5z": ["stalker"] * 3 + ["zealot"] * 5,
    "3s5z_vs_3s6z": ["stalker"] * 3 + ["zealot"] * 5,
    "3s_vs_3z": ["stalker"] * 3,
    "3s_vs_4z": ["stalker"] * 3,
    "3s_vs_5z": ["stalker"] * 3,
    "1c3s5z": ["colossus"] + ["stalker"] * 3 + ["zealot"] * 5,
    "2m_vs_1z": ["marine"] * 2,
    "corridor": ["zealot"] * 6,
    "6h_vs_8z": ["hydralisk"] * 6,
    "2s_vs_1sc": ["stalker"] * 2,
    "so_many_baneling": ["zealot"] * 7,
    "bane_vs_bane": ["baneling"] * 4 + ["zergling"] * 20,
    "2c_vs_64zg": ["colossus"] * 2,
}
"""In agent-id order."""

ENEMY_KINDS: dict[str, list[str]] = {
    "3m": ["marine"] * 3,
    "8m": ["marine"] * 8,
    "25m": ["marine"] * 25,
    "5m_vs_6m": ["marine"] * 6,
    "8m_vs_9m": ["marine"] * 9,
    "10m_vs_11m": ["marine"] * 11,
    "27m_vs_30m": ["marine"] * 30,
    "MMM": ["marine"] * 7 + ["marauder"] * 2 + ["medivac"],
    "MMM2": ["marine"] * 8 + ["marauder"] * 3 + ["medivac"],
    "2s3z": ["stalker"] * 2 + ["zealot"] * 3,
    "3s5z": ["stalker"] * 3 + ["zealot"] * 5,
    "3s5z_vs_3s6z": ["stalker"] * 3 + ["zealot"] * 6,
    "3s_vs_3z": ["zealot"] * 3,
    "3s_vs_4z": ["zealot"] * 4,
    "3s_vs_5z": ["zealot"] * 5,
    "1c3s5z": ["colossus"] + ["stalker"] * 3 + ["zealot"] * 5,
    "2m_vs_1z": ["zealot"],
    "corridor": ["zergling"] * 24,
    "6h_vs_8z": ["zealot"] * 8,
    "2s_vs_1sc": ["spine_crawler"],
    "so_many_baneling": ["baneling"] * 32,
    "bane_vs_bane": ["zergling"] * 20 + ["baneling"] * 4,
    "2c_vs_64zg": ["zergling"] * 64,
}
"""In the order of creation."""

HIT_POINTS: dict[str, tuple[float, float]] = {
    "marine": (45, 0),
    "marauder": (125, 0),
    "medivac": (150, 0),
    "stalker": (80, 80),
    "zealot": (100, 50),
    "colossus": (200, 150),
    "hydralisk": (80, 0),
    "zergling": (35, 0),
    "baneling": (30, 0),
    "spine_crawler": (300, 0),
}
"""Life and shield."""
