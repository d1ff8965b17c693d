"""The key of J-Quants, which is no setting: it is neither printed nor kept."""

from __future__ import annotations

import os

from gogooku3.sources.jquants.key import VARIABLE, ApiKey, find_key
from gogooku3.sources.jquants.settings import JQuantsSettings


def jquants_key(settings: JQuantsSettings) -> ApiKey:
    """Return the key: of ``jquants.key_file``, else of JQUANTS_API_KEY, else of the usual file, else of the keyring.

    Raises:
        SettingsError: There is none, it is malformed, or others may read its file.
    """
    said = os.environ.get(VARIABLE)
    return find_key(None if not said else ApiKey(said, VARIABLE), settings.key_file)
