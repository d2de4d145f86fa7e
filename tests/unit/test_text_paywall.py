"""The free part of a paid article: published without the offers below it, and marked."""

import json

import pytest

from services.processor.extraction import extract
from services.processor.model import Article, NotAnArticle, Source
from services.processor.text.paywall import sells
from shared.messages import EntryFacts

URL = "https://journal.example/2026/le-port"
NEWS = (
    "La construction du nouveau port a pris deux ans de retard, et les entreprises se renvoient la faute.",
    "Le ministère, lui, refuse de payer les pénalités que le consortium réclame devant le tribunal de commerce.",
    "Les deux parties se retrouvent jeudi dans la capitale, où le médiateur leur laisse jusqu'à l'été pour s'entendre.",
)
OFFERS = [
    "Cet article est réservé aux abonnés.",
    "Il vous reste 72 % de cet article à lire. La suite est réservée aux abonnés.",
    "Déjà abonné ? Se connecter",
    "Abonnez-vous pour lire la suite",
    "This article is for subscribers only",
    "Subscribe to continue reading",
    "You have reached your limit of free articles.",
    "Already a subscriber? Log in",
    "Dieser Artikel ist nur für Abonnenten verfügbar.",
    "Jetzt weiterlesen mit Hafenblatt Plus",
    "Contenido exclusivo para suscriptores",
    "Para seguir leyendo, inicia sesión o suscríbete",
    "Conteúdo exclusivo para assinantes",
    "Contenuto riservato agli abbonati",
    "Dit artikel is alleen voor abonnees",
    "Pozostało 80% artykułu",
    "Artykuł dostępny tylko dla subskrybentów",
    "Материал доступен только по подписке",
    "Оформите подписку, чтобы читать дальше",
    "هذا المحتوى متاح للمشتركين فقط",
    "اشترك الآن لمتابعة القراءة",
    "この記事は有料会員限定です。残り1234文字",
    "本文为付费内容，订阅后阅读全文",
    "구독자 전용 기사입니다",
    "Bu içerik abonelere özeldir",
    "Artikeln är endast för prenumeranter",
]
SENTENCES = [
    "Le journal compte désormais plus de cent mille abonnés.",
    "Members of the council voted on Monday for the second bridge.",
    "A dinner for members of the club raised the money for the school.",
    "Les abonnés au gaz recevront un chèque avant la fin de l'hiver.",
    "Die Abonnenten klagen über die späte Zustellung der Zeitung.",
    "Los suscriptores del servicio pagarán menos a partir de enero.",
    "Подписчики канала заметили ошибку первыми.",
    "يبلغ عدد المشتركين في الخدمة مليوني شخص.",
    "Pour lire les vers de Senghor, il faut les entendre.",
]


def published(*paragraphs, head=""):
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    markup = f"<html><head><title>Le port</title>{head}</head><body><h1>Le port attendra</h1><article>{text}</article>"
    entry = EntryFacts(identity="1", url=URL)
    found = extract(
        Source(
            kind="fetched",
            url=URL,
            body=markup.encode(),
            content_type=None,
            entry=entry,
            feed_language=None,
            section=None,
        )
    )
    assert isinstance(found, Article), found
    return found


def says(**facts):
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle", **facts})}</script>'


@pytest.mark.parametrize("line", OFFERS)
def test_an_offer_is_told_by_its_words(line):
    """Whole lines, in the languages of the feeds that are read."""
    assert sells(line)


@pytest.mark.parametrize("line", SENTENCES)
def test_a_sentence_about_subscribers_is_no_offer(line):
    """Papers write about papers."""
    assert not sells(line)


@pytest.mark.parametrize("offer", OFFERS[:4])
def test_what_is_free_is_published_without_the_offer_and_marked(offer):
    """By the offer alone, where the page states nothing."""
    found = published(*NEWS, offer)

    assert (found.paragraphs, found.excerpt, found.free) == (NEWS, True, False)


def test_an_article_without_an_offer_is_whole():
    """However short it is."""
    found = published(*NEWS)

    assert (found.excerpt, found.free) == (False, None)


@pytest.mark.parametrize(
    ("facts", "excerpt"),
    [
        ({"isAccessibleForFree": False}, True),
        ({"isAccessibleForFree": "False"}, True),
        ({"isAccessibleForFree": True}, False),
        ({"isAccessibleForFree": False, "wordCount": 900}, True),
        ({"isAccessibleForFree": False, "wordCount": 58}, False),
        ({"isAccessibleForFree": False, "articleBody": "mot " * 900}, True),
        ({"wordCount": 900}, False),
    ],
)
def test_a_page_that_says_what_it_keeps_is_believed(facts, excerpt):
    """A short text of a paid article is a part, unless the page counts no more words than it shows."""
    assert published(*NEWS, head=says(**facts)).excerpt is excerpt


def test_the_whole_text_of_a_paid_article_is_no_excerpt():
    """Many sites deliver all of it and only cover it."""
    assert published(*[f"{paragraph} ({at})" for at in range(9) for paragraph in NEWS],
                     head=says(isAccessibleForFree=False)).excerpt is False  # fmt: skip


def test_an_offer_in_the_middle_of_a_text_is_left_alone():
    """The rule knows what stands at an end; a quotation may say the same."""
    many = tuple(f"{paragraph} ({at})" for at in range(5) for paragraph in NEWS)
    quoted = "This story is available to those who ask for it at the harbour office."

    assert quoted in published(many[0], quoted, *many[1:]).paragraphs


def test_a_page_of_nothing_but_offers_has_no_article():
    """The reason says that it is there, for money."""
    markup = f"<html><head>{says(isAccessibleForFree=False)}</head><body><article><p>{OFFERS[0]}</p></article>"
    entry = EntryFacts(identity="1", url=URL)
    found = extract(
        Source(
            kind="fetched",
            url=URL,
            body=markup.encode(),
            content_type=None,
            entry=entry,
            feed_language=None,
            section=None,
        )
    )

    assert isinstance(found, NotAnArticle)
    assert found.reason == "paywall"
