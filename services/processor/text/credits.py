"""Whose picture it is: credits at the end of captions, apart from them. Pure."""

import re

_AGENCY = (
    r"(?:AFP|AP|REUTERS|Reuters|Getty(?: Images)?|EPA|EFE|dpa|DPA|APA|ANSA|Xinhua|XINHUA"
    r"|Anadolu(?: Agency)?|AA|SIPA|Sipa|Belga|TASS|ТАСС|Keystone"
    r"|KEYSTONE|PAP|NTB|TT|Ritzau|Scanpix|LUSA|Lusa|PTI|ANP|MAP|APS|DR|D\.R|Shutterstock|iStock|Alamy"
    r"|Imago|IMAGO|picture alliance|Maxppp|MAXPPP"
    r"|Unsplash|Bloomberg|РИА Новости|Sputnik|Reprodução|Divulgação|新华社|新華社)"
)
_LABEL = (
    r"(?i:photo(?:graph)?s?(?: credits?)?|photo courtesy|crédits?(?: photos?)?|image credits?|images?"
    r"|fotos?|bild(?:er|quelle)?|pictures?|credits?|video"
    r"|vidéo|source|quelle|фото|fot\.?|fotó|kuva|zdjęcie|imagen|créditos?|صورة|تصوير|الصورة)"
)
# Where a credit may begin: at the start, in brackets, behind a dash or the end of a sentence.
_BREAK = r"(?:^|\s*[(\[|/–—]\s*|\s+-\s+|(?<=[.!?»”\"])\s*)"
_END = r"\s*[)\]]?\.?$"
_CREDITS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:{_BREAK}|\s+)(?P<credit>(?:©|\([cC]\)|Ⓒ)\s*[^()]{{1,100}}?){_END}",
        (
            rf"(?:{_BREAK}{_LABEL}\s*(?:[:/]|\s(?i:by|de|von|av|di|por)\s(?=[^\W\d_a-zà-ÿ]))"
            rf"|\s{_LABEL}\s*:)\s*(?P<credit>[^()]{{2,100}}?){_END}"
        ),
        rf"\s*[(\[](?P<credit>[^()\[\]]{{0,80}}\b{_AGENCY}(?!\w)[^()\[\]]{{0,60}})[)\]]\.?$",
        (
            rf"(?:{_BREAK})(?P<credit>(?:[^\W\d_a-zà-ÿ][\w.'’-]*[ /,-]{{1,3}}){{0,5}}{_AGENCY}(?!\w)"
            r"(?:\s?/\s?[^/()]{2,40})*)\.?$"
        ),
        r"(?:^|\s)[(\[](?P<credit>[A-Z][^()\[\]]{1,60}/[^()\[\]]{2,60})[)\]]\.?$",
    )
)
_PHOTO = (
    r"(?i:photo(?:s)?(?: credits?)?|crédits?(?: photos?)?|image credits?|fotos?|bild(?:er)?|picture|фото"
    r"|fotó|kuva|zdjęcie|imagen|صورة|الصورة)"
)
# With a colon: `Bild der Frau` and `photo by the sea` are words of sentences.
_AT_END = re.compile(rf".{{15,280}}(?:[.!?»”\")\]]|\s[|–—-])\s*[(\[]?{_PHOTO}\s?[:©]\s?[^.!?:]{{2,60}}[)\]]?\.?")
_LABELLED = re.compile(rf"[(\[]?\s*{_LABEL}\s*(?::|\s(?i:by|de|von|av|di|por)\s)\s*(?P<credit>.+?)\s*[)\]]?$")


def split_credit(caption: str) -> tuple[str, str]:
    """A caption without the credit at its end, and the credit; both may be empty.

    `A market in Dakar. Photo: Awa Diop/AFP` is `A market in Dakar.` and `Awa Diop/AFP`; a © stays with its owner.
    """
    found = min((found for pattern in _CREDITS if (found := pattern.search(caption))), key=re.Match.start, default=None)
    if found is None:
        return caption, ""
    return caption[: found.start()].strip(" -–—|/"), found["credit"].strip()


def credit_of(text: str) -> str:
    """The name in a credit that its page marks as one, without the label: of `Foto: Awa Diop` it is `Awa Diop`."""
    found = _LABELLED.fullmatch(text)
    return found["credit"] if found else text


def ends_with_credit(line: str) -> bool:
    """Whether `line` is a caption with its credit behind: `A market in Dakar. Photo: Awa Diop`."""
    return bool(_AT_END.fullmatch(line))
