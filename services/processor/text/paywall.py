"""What a paid site says where the free part of an article ends, and whether a text is only that part. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.processor.normalization import word_count
from services.processor.page.facts import PageFacts
from services.processor.text.lines import Line, Why, kept

MAX_CHARACTERS = 240
"""Of a line that sells: an article about subscriptions has longer ones."""
LAST_LINES = 6
"""How far from a text's end the free part may break off: offers and prices follow."""
PREVIEW_WORDS = 250
"""Free parts are shorter; many sites deliver the whole of a paid text and only cover it."""
WHOLE = 0.8
"""Of the words that the page states for its article, the share from which a text is all of it."""

_OFFERS = (
    # French
    r"il vous reste [\d.,]+ ?% .*",
    r".{0,60}\bréservée?s? (?:à nos|aux) (?:seuls )?abonné\w*\b.{0,80}",
    r"(?:abonnez-vous|connectez-vous|inscrivez-vous|créez un compte)\b.{0,60}\b(?:suite|lire|accéder|article)\b.{0,60}",
    (
        r"pour (?:lire|accéder|consulter|découvrir|continuer)\b.{0,80}\b(?:abonn\w+|connect\w+|inscri\w+"
        r"|identifi\w+)\b.{0,60}"
    ),
    r"(?:vous êtes )?déjà abonnée?.{0,60}",
    r"lire la suite (?:avec|pour|de (?:cet|l['’]) ?article)\b.{0,60}",
    # English
    r"(?:this|the full|our) .{0,40}\b(?:for|to) (?:our |paying |registered )?(?:subscribers|members)\b.{0,30}",
    r"(?:for )?(?:subscribers|members)[ -]only\b.{0,40}",
    r"(?:subscribe|sign in|sign up|log in|register|join)\b.{0,50}\b(?:continue|keep|read|unlock|access|full)\b.{0,60}",
    r"to (?:continue|keep) reading\b.{0,120}",
    r"(?:continue|keep) reading (?:with|for|by)\b.{0,80}",
    r"you(?:['’]ve| have) (?:reached|read|used)\b.{0,60}\b(?:free )?(?:articles?|limit)\b.{0,60}",
    r"(?:are you )?already (?:a subscriber|subscribed|a member)\b.{0,60}",
    r"unlock (?:this|the full|all|unlimited)\b.{0,60}",
    r"this (?:article|content|story) is (?:exclusive|available|only|reserved|behind|locked|premium)\b.{0,80}",
    # German
    r".{0,60}\b(?:nur|exklusiv|ausschließlich) für (?:unsere )?(?:abonnent|abo|plus|mitglied)\w*\b.{0,60}",
    r"(?:jetzt |einfach |hier )?weiterlesen\b.{0,80}",
    r"(?:sie sind |bereits |schon )+(?:abonnent|abo|kunde|registriert)\w*\b.{0,60}",
    r"um (?:den|diesen) (?:artikel|text|beitrag)\b.{0,100}\b(?:lesen|weiterzulesen)\b.{0,60}",
    r"lesen sie (?:diesen artikel |jetzt )?weiter\b.{0,60}",
    # Spanish, Portuguese, Italian
    (
        r".{0,60}\b(?:exclusiv[oa]s?|solo|sólo|reservad[oa]s?) (?:para|a) (?:nuestros |los )?(?:suscriptor|socio"
        r"|abonad)\w*\b.{0,60}"
    ),
    r"(?:suscríbe\w*|regístra\w*|inicia sesión)\b.{0,60}\b(?:leyendo|leer|acceder|contenido)\b.{0,60}",
    r"para (?:seguir|continuar) leyendo\b.{0,80}",
    r"¿?ya (?:eres|es) suscriptora?\b.{0,60}",
    r".{0,60}\b(?:exclusiv[oa]s?|apenas|somente|reservad[oa]s?) (?:para|a|aos) (?:nossos )?assinantes?\b.{0,60}",
    r"(?:assine|cadastre-se|faça login)\b.{0,60}\b(?:lendo|ler|acesso|acessar|conteúdo)\b.{0,60}",
    r"para continuar (?:lendo|a ler)\b.{0,80}",
    r"já é assinante\b.{0,60}",
    r".{0,60}\briservat[oaie] (?:agli|ai nostri) abbonati\b.{0,60}",
    r"(?:abbonati|registrati|accedi)\b.{0,60}\b(?:leggere|leggi|continuare)\b.{0,60}",
    r"per continuare a leggere\b.{0,80}",
    r"sei già abbonat[oa]\b.{0,60}",
    # Dutch, Polish, Scandinavian, Turkish, Greek
    r".{0,60}\b(?:alleen|exclusief) voor abonnees\b.{0,60}",
    r"(?:word abonnee|log in|lees verder)\b.{0,40}\b(?:lees|lezen|met|verder)\b.{0,60}",
    r"(?:ben je )?al abonnee\b.{0,60}",
    r".{0,60}\b(?:tylko )?dla (?:subskrybent|prenumerator|abonent)\w*\b.{0,60}",
    r"pozostało \d+ ?% .*",
    r"aby (?:czytać dalej|przeczytać)\b.{0,100}",
    r"masz już (?:subskrypcję|prenumeratę|konto)\b.{0,60}",
    r".{0,60}\b(?:endast|bara|kun|kan leses av|for) (?:för )?(?:prenumerant|abonnent)\w*\b.{0,60}",
    r"(?:läs|les|læs) (?:vidare|videre) (?:med|som|för)\b.{0,60}",
    r".{0,60}\babonelere özel\w*\b.{0,40}",
    r"(?:okumaya )?devam(?:ını| etmek) .{0,40}\babone ol\w*\b.{0,40}",
    r".{0,60}\bμόνο (?:για|σε) συνδρομητές\b.{0,60}",
    # Russian, Ukrainian, Arabic, Persian, Hebrew
    r".{0,60}\b(?:только )?(?:для|по) подписчик\w*\b.{0,60}",
    r".{0,60}\bдоступ\w* только (?:по подписке|подписчикам)\b.{0,60}",
    r"(?:оформите|купите|войдите|подпишитесь)\b.{0,60}\b(?:чита\w+|продолж\w+|доступ\w*|прочита\w+)\b.{0,60}",
    r"(?:уже есть подписка|чтобы (?:читать дальше|продолжить чтение))\b.{0,60}",
    r".{0,60}\bлише для передплатник\w*\b.{0,60}",
    r".{0,60}(?:للمشتركين فقط|حصري للمشتركين|متاح للمشتركين|خاص بالمشتركين).{0,60}",
    r"(?:اشترك|سجل الدخول|سجّل|للاشتراك).{0,40}(?:متابعة القراءة|لقراءة|قراءة المزيد|بقية).{0,60}",
    r"(?:لمتابعة القراءة|هل أنت مشترك).{0,80}",
    r".{0,60}(?:ویژه مشترکین|לمנויים בלבד|למנויים בלבד).{0,60}",
    # Chinese, Japanese, Korean
    r".{0,40}(?:付费阅读|付费内容|订阅后|订阅者专享|会员专享|登录后阅读|阅读全文请|訂閱後|訂戶專享|訂閱會員).{0,40}",
    r".{0,40}(?:会員限定|有料会員|有料記事|続きを(?:読む|お読み)|残り ?[\d,]+ ?文字).{0,60}",
    r".{0,40}(?:유료 ?회원|구독자 ?전용|유료 ?기사).{0,40}",
)
_SELLS = re.compile("|".join(_OFFERS), re.IGNORECASE)
_ENDS = " \t-–—•·*|>»›.:…!?«<[]()🔒"


@dataclass(frozen=True, slots=True, kw_only=True)
class Free:
    """Lines without those that sell the rest, and whether the text that they leave is only a part."""

    lines: tuple[Line, ...]
    excerpt: bool


def sells(line: str) -> bool:
    """Whether `line` offers what is not free to read, and says nothing else."""
    return len(line) <= MAX_CHARACTERS and bool(_SELLS.fullmatch(line.strip(_ENDS)))


def free_part(lines: Sequence[Line], facts: PageFacts, *, free: bool | None) -> Free:
    """`lines` with those at their end that sell marked as furniture, and whether what is left is only the free part.

    Only at the end, and only where something is left or the page says that it is not free: of papers and their
    subscribers, news tells in the middle.
    """
    standing = [at for at, line in enumerate(lines) if line.dropped is None]
    last = {at for at in standing[-LAST_LINES:] if sells(lines[at].text)}
    marked = tuple(line.because(Why.FURNITURE) if at in last else line for at, line in enumerate(lines))
    if not kept(marked) and free is not False:
        return Free(lines=tuple(lines), excerpt=False)
    sold = bool(last) or any(line.dropped is Why.FURNITURE and sells(line.text) for line in lines[-2 * LAST_LINES :])
    return Free(lines=marked, excerpt=_is_excerpt("\n".join(kept(marked)), facts, locked=free is False or sold))


def _is_excerpt(text: str, facts: PageFacts, *, locked: bool) -> bool:
    if not locked:
        return False
    words, counted = word_count(text), _counted(facts)
    if counted:
        return words < WHOLE * counted
    # Some state the whole text here for search engines, others what is free.
    body = facts.article.get("articleBody")
    return words <= PREVIEW_WORDS or words < WHOLE * word_count(body if isinstance(body, str) else "")


def _counted(facts: PageFacts) -> int:
    """Words of the whole article by the page's own count, 0 where it has none."""
    said = str(facts.article.get("wordCount", ""))
    return int(said) if said.isascii() and said.isdigit() and len(said) < 7 else 0
