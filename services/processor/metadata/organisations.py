"""Names and words by which organisations are told from people. Data.

Only words that are no surnames: somebody is called Press, Post, Herald and Guest.
"""

import re

AGENCIES = frozenset(
    {
        "afp", "agencefrancepresse", "ap", "associatedpress", "reuters", "thomsonreuters", "bloomberg", "upi",
        "pamedia", "pressassociation", "canadianpress", "dpa", "deutschepresseagentur", "sid", "epd", "kna", "apa",
        "sda", "ats", "keystonesda", "ansa", "efe", "europapress", "lusa", "belga", "anp", "ritzau", "ntb", "tt", "stt",
        "pap", "tass", "itartass", "тасс", "rianovosti", "риановости", "interfax", "xinhua", "cna", "kyodo", "jiji",
        "yonhap", "pti", "ani", "ians", "antara", "bernama", "anadoluajansı", "irna", "aps", "map", "tap", "mena",
        "kuna", "wam", "spa", "sana", "panapress", "pana", "apo", "aib", "agerpres", "sputnik", "سبوتنيك", "رويترز",
        "فرانسبرس", "الأناضول",
    }
)  # fmt: skip
"""Bare, without an article before them."""

WORD = re.compile(
    r"(?:photo|foto|\w*redaktion\w*|\w*redactie|rédaction|redacción|redazione|redac?ção|редакция|التحرير|editorial|newsroom"
    r"|news|desk|team|staff|équipe|equipo|editors|reporters|correspondents|editorialists?"
    r"|agence\w*|agenc\w+|agentur\w*|agenzia|agentschap|ajans\w*|وكالة\w*|وكالات|агентство|sputnik\w*"
    r"|presse|prensa|media|médias?|medien|tv|radio|channel|network|online|web|website|digital|admin\w*|webmaster"
    r"|journal|zeitung|nachrichten|noticias|notícias|actualités?|infos?|gazette|times|tribune|magazine|communiqué"
    r"|services?|foundation|university|université|ministry|ministère|inc|ltd|llc|gmbh|group|groupe|company|bureau"
    r"|النشر|الموقع|أخبار|صحيفة|جريدة|موقع|قناة|新闻|新聞|編集部|通信社|新闻社|온라인|뉴스)",
    re.IGNORECASE,
)

NO_SIGNER = re.compile(
    r"^(?:\w*admin\w*|webmaster|editors?|user|root|guest|default|author|auteur|autor|anonymous|unknown|none|null|staff"
    r"|rédaction|la rédaction|redaktion|redacción|redazione|redação|newsroom|news|web ?desk)$"
    r"|^sputnik|спутник|سبوتنيك|^ria novosti|риа новости",
    re.IGNORECASE,
)
"""Names that stand in the place of an author and say nothing."""
