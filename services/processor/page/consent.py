"""Pages that ask for consent instead of showing the article. Pure."""

import re
from collections.abc import Iterable

from services.processor.normalization import word_count
from shared.urls import host_of

FEW_WORDS = 150
"""A page with more text than this shows an article, whatever it asks beside it."""
ENOUGH_CHARACTERS = 3000
"""Holds more than that many words in any script that spaces them; longer texts need not be counted to the end."""
ENOUGH_PHRASES = 2
"""One such phrase stands in many articles about the web; two in a short text ask."""

_HOSTS = re.compile(r"(^|\.)(consent|cmp|guce|privacy-mgmt|consentmanager|didomi|onetrust|sourcepoint)[.-]")
_PHRASES = tuple(
    re.compile(phrase, re.IGNORECASE)
    for phrase in (
        # French
        r"\b(accepter|refuser)\b.{0,20}\b(continuer|cookies|tout|traceurs)\b|\btout (accepter|refuser)\b",
        r"\b(nos|ses|leurs) \d*\s?(partenaires|cookies)\b",
        r"\b(gérer|paramétrer|modifier)\b.{0,20}\b(choix|préférences|cookies)\b",
        r"\b(utilis\w+|dépos\w+)\b.{0,30}\b(cookies|traceurs)\b", r"\bvotre (consentement|vie privée)\b",
        # English
        r"\b(accept|reject|refuse) (all|cookies|and continue)\b|\bi (accept|agree)\b", r"\b(our|its) \d*\s?partners\b",
        r"\b(manage|change)\b.{0,20}\b(choices|options|preferences|cookies|settings)\b", r"\buses? cookies\b",
        r"\byour (consent|privacy)\b|\bprivacy policy\b",
        # German, Spanish, Italian
        r"\balle (akzeptieren|ablehnen)\b|\bzustimmen\b", r"\bverwende[nt]\b.{0,40}\bcookies\b", r"\bdatenschutz",
        r"\b(unsere[nr]?|ihre[nr]?) \d*\s?partnern?\b.{0,60}\bcookies\b", r"\bihre[nr]? (einwilligung|zustimmung)\b",
        r"\b(aceptar|rechazar) (todo|todas|cookies|y continuar)\b", r"\b(utiliza(mos)?|usamos) cookies\b",
        r"\bsu privacidad\b",
        r"\b(accetta|rifiuta) (tutt[oi]|e continua)\b", r"\butilizz(a|iamo)\b.{0,20}\bcookie\b",
        # Arabic, Russian
        r"ملفات تعريف الارتباط|الكوكيز", r"(قبول|رفض) الكل|أوافق", r"(سياسة الخصوصية|خصوصيتك)",
        r"файлы cookie", r"\bпринять все\b|\bсогласие\b",
    )
)  # fmt: skip


def is_consent_wall(url: str, form_targets: Iterable[str], text: str) -> bool:
    """Whether the page at `url`, whose forms post to `form_targets`, asks for consent.

    `text` is what was taken for the article, not the page: many articles stand beside a banner that asks as well.
    """
    if _asks(host_of(url)):
        return True
    if word_count(text[:ENOUGH_CHARACTERS]) > FEW_WORDS:
        return False
    found = sum(bool(phrase.search(text)) for phrase in _PHRASES)
    posts = any(_asks(host_of(target)) or "consent" in target.lower() for target in form_targets)
    return found >= (1 if posts else ENOUGH_PHRASES)


def _asks(host: str) -> bool:
    return bool(_HOSTS.search(host))
