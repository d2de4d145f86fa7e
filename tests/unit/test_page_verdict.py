"""What stands in an article's place is told from articles, and a feed's own text takes its place where it can."""

import json
from typing import Any

import pytest

from services.processor.extraction import extract
from services.processor.model import Article, NotAnArticle, Source
from services.processor.page.address import form_named_by, is_home, is_list, is_section, is_way_in
from services.processor.page.signals import Links, Signals
from services.processor.page.verdict import verdict_of
from shared.messages import EntryFacts

ASKED = "https://journal.example/2026/05/12/le-bac-repart-lundi"
NEWS = (
    "Le bac a repris son service lundi matin après trois semaines d'arrêt, au soulagement des deux rives.",
    "La compagnie a fait remplacer les deux moteurs, arrivés par la route depuis la capitale avec dix jours de retard.",
    "Les tarifs ne changent pas avant l'automne ; la mairie promet d'ici là une réunion publique avec les pêcheurs.",
)
WHOLE = "".join(f"<p>{paragraph}</p>" for paragraph in NEWS)


def source(markup, *, url=ASKED, asked=ASKED, **entry):
    facts = EntryFacts(identity="1", url=asked, **entry)
    return Source(
        kind="fetched", url=url, body=markup.encode(), content_type=None, entry=facts, feed_language=None, section=None
    )


def read(observed: Source) -> Any:
    """An article or a refusal: each test knows which, and reads the fields of that."""
    return extract(observed)


def page(*parts, title="", head=""):
    return f"<!doctype html><html><head><title>{title}</title>{head}</head><body>{''.join(parts)}</body></html>"


def linked(*nodes):
    return "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)


def paragraphs(*texts):
    return "".join(f"<p>{text}</p>" for text in texts)


def teasers(count):
    """A list of headlines, each with a line of its article."""
    cards = (
        f"<article><h2><a href='/2026/05/{at:02}/x'>Un titre de la rédaction numéro {at}</a></h2>"
        f"<p>Quelques mots seulement de l'article numéro {at}.</p></article>"
        for at in range(count)
    )
    return f"<main>{''.join(cards)}</main>"


MENU = "<nav>" + "".join(f"<a href='/{name}'>{name}</a>" for name in ("monde", "sport", "culture")) + "</nav>"
PASSWORD = "<form action='/session' method=post><input name=user><input type=password name=p><button>OK</button></form>"

CHALLENGES = {
    "cloudflare": page(
        "<div id='challenge-error-text'>Enable JavaScript and cookies to continue</div>",
        "<script>window._cf_chl_opt={cvId:'3'};</script>",
        title="Just a moment...",
    ),
    "cloudflare, French": page(
        "<h1>www.journal.example</h1><p>Vérification que vous êtes humain. Cela peut prendre quelques secondes.</p>",
        "<script>(function(){window._cf_chl_opt={cType:'managed'}})();</script>",
        title="Un instant…",
    ),
    "cloudflare, blocked": page(
        "<div id='cf-error-details'><h1>Sorry, you have been blocked</h1><p>You cannot access journal.example</p>"
        "<p>This website is using a security service to protect itself from online attacks.</p></div>",
        title="Attention Required! | Cloudflare",
    ),
    "datadome": page(
        "<p id='cmsg'>Please enable JS and disable any ad blocker</p>",
        "<script>var dd={'rt':'c','host':'geo.captcha-delivery.com'}</script>",
        "<script src='https://ct.captcha-delivery.com/c.js'></script>",
        title="journal.example",
    ),
    "human": page(
        "<h1>Access to this page has been denied</h1><p>because we believe you are using automation tools.</p>",
        "<div id='px-captcha'></div><script>window._pxAppId='PX1';</script>",
        title="Access to this page has been denied.",
    ),
    "akamai": page(
        '<h1>Access Denied</h1>You don\'t have permission to access "http://journal.example/x" on this server.<p>'
        "Reference #18.2d351ab8 <p>https://errors.edgesuite.net/18.2d351ab8</p>",
        title="Access Denied",
    ),
    "imperva": page(
        "<iframe id='main-iframe' src='/_Incapsula_Resource?SWUDNSAI=31&edet=12'>"
        "Request unsuccessful. Incapsula incident ID: 877000-1</iframe>"
    ),
    "aws waf": page(
        "<script>window.gokuProps={key:1};</script><h1>JavaScript is disabled</h1>"
        "<p>In order to continue, we need to verify that you're not a robot.</p>"
    ),
    "sucuri": page(
        "<h1>Access Denied - Sucuri Website Firewall</h1><p>If you are the site owner, please open a ticket.</p>"
        "<p>Sucuri Website Firewall - Access Denied</p>",
        title="Sucuri WebSite Firewall - Access Denied",
    ),
    "anubis": page(
        "<h1>Making sure you're not a bot!</h1><p id=status>Loading...</p>"
        "<script id='anubis_challenge' type='application/json'>{}</script>",
        title="Making sure you're not a bot!",
    ),
    "captcha, own": page(
        "<h1>Êtes-vous un robot ?</h1><p>Cochez la case pour continuer.</p><div class='h-captcha'></div>",
        title="Vérification",
    ),
    "russian": page("<h1>Подтвердите, что вы не робот</h1><p>Это займёт секунду.</p>", title="Проверка безопасности"),
    "chinese": page("<h1>安全验证</h1><p>请完成验证以继续访问。</p>", title="安全验证"),
}

LOGINS = {
    "english": page("<h1>Log in to your account</h1>", PASSWORD, "<p>Forgot your password?</p>", title="Log in"),
    "french": page("<h1>Connexion</h1>", PASSWORD, "<p>Mot de passe oublié ?</p>", title="Mon compte"),
    "german": page("<h2>Willkommen</h2>", PASSWORD, title="Anmelden – Hafenblatt"),
    "spanish": page("<h1>Iniciar sesión</h1>", PASSWORD, title="El Muelle"),
    "arabic": page("<h1>تسجيل الدخول</h1>", PASSWORD, title="بوابة الميناء"),
    "russian": page("<h1>Вход</h1>", PASSWORD, title="Портовая газета"),
    "japanese": page("<h1>ログイン</h1>", PASSWORD, title="港新聞"),
}

NOT_FOUND = {
    "english": page(MENU, "<h1>Page not found</h1><p>Try the search.</p>", title="Page not found | Harbour Post"),
    "number": page("<h1>404</h1><p>Oops!</p>", title="404 - Harbour Post"),
    "french": page("<h1>Cette page est introuvable</h1><p>Revenez à l'accueil.</p>", title="Erreur 404 – Le Littoral"),
    "french, apologies": page("<p>Désolé, la page que vous cherchez n'existe plus.</p>", title="Le Littoral"),
    "german": page("<h1>Seite nicht gefunden</h1>", title="Hafenblatt"),
    "spanish": page("<h1>Página no encontrada</h1><p>Lo sentimos.</p>", title="El Muelle"),
    "portuguese": page("<p>A página não foi encontrada.</p>", title="Página não encontrada"),
    "italian": page("<h1>Pagina non trovata</h1>", title="Il Molo"),
    "polish": page("<h1>Nie znaleziono strony</h1>", title="Port"),
    "russian": page("<h1>Страница не найдена</h1><p>Ошибка 404</p>", title="Портовая газета"),
    "arabic": page("<h1>عذرا، الصفحة غير موجودة</h1>", title="بوابة الميناء"),
    "chinese": page("<h1>您访问的页面不存在</h1>", title="港口日报"),
    "with the latest news": page("<h1>Page introuvable</h1>", teasers(12), title="Page introuvable - Le Littoral"),
}

INDEXES = {
    "home": (page(MENU, teasers(20), title="Le Littoral"), "https://journal.example/"),
    "home in a language": (page(MENU, teasers(20), title="Le Littoral"), "https://journal.example/fr/"),
    "section": (page(MENU, "<h1>Afrique</h1>", teasers(15), title="Afrique"), "https://journal.example/afrique/"),
    "tag": (page(MENU, "<h1>#climat</h1>", teasers(15), title="climat"), "https://journal.example/tag/climat"),
    "search": (page(MENU, teasers(10), title="Résultats"), "https://journal.example/?s=bac"),
    "pages": (page(MENU, teasers(10), title="Sport"), "https://journal.example/sport/page/3"),
    "author": (page(MENU, "<h1>Awa Diop</h1>", teasers(12), title="Awa"), "https://journal.example/auteur/awa-diop"),
    "says so": (
        page(MENU, teasers(15), title="Dossier", head=linked({"@type": "CollectionPage", "name": "Dossier"})),
        "https://journal.example/2026/le-grand-dossier-du-port",
    ),
    "says so as an article": (
        page(
            MENU,
            teasers(15),
            head=linked({"@type": "CollectionPage"}) + "<meta property='og:type' content='article'>",
        ),
        "https://journal.example/actualites-du-port",
    ),
}

MEDIA = {
    "video_page": linked({"@type": "VideoObject", "name": "Le bac repart"}),
    "audio_page": linked({"@type": "PodcastEpisode", "name": "Le bac repart"}),
    "gallery_page": linked({"@type": "ImageGallery", "name": "Le bac repart"}),
}


@pytest.mark.parametrize("name", CHALLENGES)
def test_a_bot_challenge_is_no_article(name):
    """By the marks of the services that sites put before their pages, and by what such pages ask."""
    assert read(source(CHALLENGES[name])).reason == "bot_challenge"


@pytest.mark.parametrize("name", LOGINS)
def test_a_way_in_is_no_article(name):
    """A password and a heading that asks for it, in any language."""
    assert read(source(LOGINS[name])).reason == "login"


def test_an_address_that_leads_to_a_way_in_is_no_article():
    """Even where the page has no form that can be seen."""
    found = read(source(page("<p>Bienvenue sur le portail du journal.</p>"), url="https://journal.example/login?r=1"))

    assert found == NotAnArticle(reason="login", detail="the address leads to a way in")


@pytest.mark.parametrize("name", NOT_FOUND)
def test_a_page_that_says_there_is_none_is_no_article(name):
    """Whatever its status was."""
    assert read(source(NOT_FOUND[name])).reason == "not_found_page"


@pytest.mark.parametrize("name", INDEXES)
def test_a_list_of_headlines_is_no_article(name):
    """A home page, a section, a tag, results of a search: told by address or type, and by its links."""
    markup, url = INDEXES[name]

    assert read(source(markup, url=url, asked=url)).reason == "index_page"


@pytest.mark.parametrize("reason", MEDIA)
def test_a_page_with_nothing_but_a_film_is_no_article(reason):
    """A caption is no text; with a text of its own, it is an article of that form."""
    few = read(source(page("<h1>Le bac repart</h1><p>Images de lundi.</p>", head=MEDIA[reason])))
    many = read(source(page("<h1>Le bac repart</h1>", paragraphs(*NEWS), head=MEDIA[reason])))

    assert few.reason == reason
    assert (type(many), many.form) == (Article, reason.removesuffix("_page"))


@pytest.mark.parametrize(
    "text", ["You need to enable JavaScript to run this app.", "Veuillez activer JavaScript pour afficher ce site."]
)
def test_a_page_that_shows_nothing_without_scripts_is_empty(text):
    """The words that ask for scripts are no article."""
    assert read(source(page(f"<div id=app></div><p>{text}</p>"))).reason == "empty"


ARTICLES = {
    "a headline about robots": page("<h1>Are you a robot? Schools ask pupils</h1>", paragraphs(*NEWS)),
    "a bulletin with a way in beside it": page("<h1>Le bac repart</h1>", paragraphs(NEWS[0]), PASSWORD, title="Bac"),
    "a headline about a missing page": page(
        "<h1>Une page du registre de 1848 reste introuvable aux archives de la ville</h1>", paragraphs(*NEWS[:2])
    ),
    "an article at a section's address": page(MENU, "<h1>Le bac repart lundi matin</h1>", paragraphs(*NEWS)),
    "an article among many links": page(MENU, "<h1>Le bac repart lundi</h1>", paragraphs(*NEWS), teasers(30)),
    "a number of a headline": page("<h1>404 familles relogées</h1>", paragraphs(*NEWS), title="404 familles relogées"),
    "with Cloudflare's usual script": page(
        "<h1>Le bac repart</h1>",
        paragraphs(NEWS[0]),
        "<script src='/cdn-cgi/challenge-platform/scripts/jsd/main.js'></script>",
    ),
    "a comment form with a captcha": page("<h1>Bac</h1>", paragraphs(NEWS[0]), "<div class='g-recaptcha'></div>"),
    "login in the head of the news": page("<h1>Connexion rétablie entre les deux rives</h1>", paragraphs(NEWS[0])),
    "what is denied": page("<h1>Access denied: how ports shut</h1>", paragraphs(*NEWS[:2]), title="Access denied"),
}


@pytest.mark.parametrize("name", ARTICLES)
def test_an_article_is_never_taken_for_a_wall(name):
    """One sign alone refuses nothing."""
    found = read(source(ARTICLES[name], url="https://journal.example/monde/afrique", asked=None))

    assert isinstance(found, Article)
    assert NEWS[0] in found.paragraphs


@pytest.mark.parametrize(
    ("url", "head", "form"),
    [
        (ASKED, "", "article"),
        (ASKED, linked({"@type": "LiveBlogPosting", "headline": "Le bac repart"}), "live_blog"),
        (ASKED, linked({"@type": "NewsArticle"}, {"@type": "VideoObject"}), "article"),
        (ASKED, "<meta property='og:type' content='video.other'>", "video"),
        ("https://journal.example/live/2026/bac", "", "live_blog"),
        ("https://journal.example/videos/2026/le-bac", "", "video"),
        ("https://journal.example/2026/le-direct-du-video-club", "", "article"),
    ],
)
def test_an_article_has_a_form(url, head, form):
    """By its type, else by the part of the site where it stands; a film beside an article is no form of it."""
    found = read(source(page("<h1>Le bac repart</h1>", paragraphs(*NEWS), head=head), url=url))

    assert found.form == form


@pytest.mark.parametrize("name", ["cloudflare", "akamai", "captcha, own"])
def test_a_feeds_own_text_takes_the_place_of_a_wall(name):
    """The article is the feed's, at the address that the feed gave, and says why the page gave none."""
    given = source(
        CHALLENGES[name],
        url="https://journal.example/verify",
        content=WHOLE,
        title="Le bac repart",
        authors=("Awa Diop",),
    )

    found = read(given)

    assert (found.paragraphs, found.headline, found.authors) == (NEWS, "Le bac repart", ("Awa Diop",))
    assert (found.page_verdict, found.fields["text"], found.url) == ("bot_challenge", "feed", ASKED)


@pytest.mark.parametrize(
    "said",
    [
        None,
        "Le bac a repris lundi.",
        f"{' '.join(NEWS)} […]",
        f"{' '.join(NEWS)}...",
        f"{WHOLE}<a href='/x'>Lire la suite</a>",
        f"{WHOLE}<p>Continue reading →</p>",
    ],
)
def test_a_teaser_takes_no_articles_place(said):
    """Where the feed's text is short, or says that it goes on, the reason stands."""
    assert read(source(LOGINS["french"], summary=said)).reason == "login"


def test_the_first_sign_that_fits_decides():
    """A consent page with a captcha is a consent page; the verdict says by what it was told."""
    asks = Signals(asked=ASKED, url="https://consent.journal.example/x", title="Just a moment...", mark="Cloudflare")

    assert verdict_of(asks).reason == "consent_wall"
    assert verdict_of(Signals(asked=ASKED, url=ASKED, mark="Cloudflare")).detail == "of Cloudflare"


def test_a_page_that_calls_itself_an_article_is_no_list():
    """However many headlines it links."""
    many = Links(lines=0.9, letters=0.9, headlines=90)
    url = "https://journal.example/tag/climat"
    said = Signals(asked=url, url=url, text=NEWS[0], words=20, links=many)

    assert verdict_of(said).reason == "index_page"
    assert verdict_of(Signals(asked=url, url=url, text=NEWS[0], words=20, links=many, stated=True)).reason is None


@pytest.mark.parametrize(
    ("url", "tells"),
    [
        ("https://journal.example", [is_home]),
        ("https://journal.example/fr/", [is_home, is_section]),
        ("https://journal.example/index.php", [is_home]),
        ("https://journal.example/?p=12", []),
        ("https://journal.example/afrique/senegal", [is_section]),
        ("https://journal.example/tag/climat", [is_list, is_section]),
        ("https://journal.example/category/2026/05/12/le-bac-repart-lundi-matin", []),
        ("https://journal.example/sport/page/2", [is_list]),
        ("https://journal.example/?s=climat", [is_list]),
        ("https://journal.example/wp-login.php?redirect_to=x", [is_way_in]),
        ("https://journal.example/le-bac-repart-lundi", []),
    ],
)
def test_addresses_tell_what_they_are_for(url, tells):
    """By whole segments: an article may have any word in its name."""
    assert [tell for tell in (is_home, is_list, is_section, is_way_in) if tell(url)] == tells
    assert form_named_by(url) == "article"
