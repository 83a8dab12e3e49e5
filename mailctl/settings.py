"""Settings."""

from pathlib import Path


class Settings:
    pass


def load(config_path: Path | None) -> Settings:
    return Settings()
