"""What stands in an article's place: bot challenges, ways in, pages that say that there is no page. Pure.

Only marks of what takes a page's whole place count: most sites behind such a service carry its scripts on every page.
The marks are those that solvers and detectors of such pages know (FlareSolverr, cloudscraper, Wappalyzer's rules).
"""

import re

_CLOUDFLARE = (
    r"_cf_chl_opt|cf-browser-verification"
    r"|id=[\"']?(?:challenge-(?:form|running|error-text|stage)|cf-(?:challenge|error-details))"
)
_IMPERVA = (
    r"incapsula incident id|_Incapsula_Resource\?[^\"']{0,40}edet="
    r"|id=[\"']?main-iframe[\"' ][^>]{0,200}Incapsula"
)
_MARKS = {
    "Cloudflare": _CLOUDFLARE,
    "DataDome": r"(?:geo|ct|interstitial)\.captcha-delivery\.com|id=[\"']?datadome-captcha",
    "HUMAN": r"id=[\"']?px-captcha|captcha\.px-(?:cdn|cloud)\.net|captcha\.perimeterx\.net",
    "Akamai": r"sec-if-cpt-container|/_sec/cp_challenge/|errors\.edgesuite\.net|akam-sw-captcha",
    "Imperva": _IMPERVA,
    "AWS WAF": r"window\.gokuProps|awswaf-captcha|AwsWafIntegration\.(?:getToken|forceRefreshToken|saveReferrer)",
    "Sucuri": r"sucuri_cloudproxy_js|Sucuri Website Firewall - Access Denied",
    "Kasada": r"window\.KPSDK\s*=|/ips\.js\?[^\"']{0,80}KP_UIDz",
    "Anubis": r"id=[\"']?anubis_challenge|/\.within\.website/x/cmd/anubis/",
    "a captcha": r"class=[\"']?[^\"'>]{0,60}\b(?:g-recaptcha|h-captcha|cf-turnstile|geetest_\w+)\b",
}
MARKED_ALONE = frozenset({"a captcha"})
"""Stand below many short articles too, at their comments: not without words that ask."""
_MARKED = {name: re.compile(mark, re.IGNORECASE) for name, mark in _MARKS.items()}

_CHALLENGE = re.compile(
    r"just a moment|attention required|access (?:to this page has been |is )?denied|are you a (?:ro)?bot|robot or human"
    r"|(?:verify|verifying|confirm|prove) (?:that )?you(?:['’]re| are) (?:a |not a )?(?:human|robot|person)"
    r"|(?:checking|verifying) your browser|making sure you['’]re not a bot|security (?:check|verification|checkpoint)"
    r"|(?:pardon our|request unsuccessful)|unusual (?:traffic|activity) from your|human verification"
    r"|enable (?:javascript|js) and (?:disable any ad ?blocker|cookies) to (?:continue|proceed)"
    r"|un (?:instant|momento|moment)(?:…|\.\.\.)|einen moment(?:…|\.\.\.| bitte)|um momento(?:…|\.\.\.)"
    r"|êtes-vous (?:un robot|humain)|vérifi\w+ (?:que )?vous (?:êtes|n['’]êtes pas)|accès (?:refusé|interdit|bloqué)"
    r"|sind sie ein (?:roboter|mensch)|zugriff verweigert|(?:es|eres|es usted) (?:un )?(?:robot|humano)|acceso denegado"
    r"|accesso negato|sei un robot|acesso negado|toegang geweigerd|dostęp zabroniony"
    r"|проверка (?:браузера|безопасности|того)|вы не робот|доступ (?:запрещ[её]н|ограничен)|подтвердите, что вы"
    r"|تحقق من أنك (?:إنسان|لست روبوت)|لست روبوت|تم رفض الوصول"
    r"|人机验证|安全验证|确认您是真人|访问被拒绝|ロボットではありません"
    r"|로봇이 아닙니다|doğrulanıyor|robot olmadığınız",
    re.IGNORECASE,
)
_WAY_IN = re.compile(
    r"\b(?:log|sign) ?-?in\b|\blogin\b|\b(?:se )?connecte[rz](?:-vous)?\b|\bconnexion\b|\bidentifie[rz]-vous\b"
    r"|\b(?:bitte )?(?:einloggen|anmelden|anmeldung)\b|\biniciar? sesi[óo]n\b|\bacceder\b|\bident[ií]ficate\b"
    r"|\baccedi\b"
    r"|\b(?:fazer|faça|iniciar) (?:o )?(?:login|sess[ãa]o)\b|\binloggen\b|\bzaloguj\b|\blogowanie\b|\bgiriş yap\b"
    r"|\bвойти\b|\bвход\b|\bавторизаци[яи]\b|تسجيل الدخول|سجل الدخول|登录|登錄|登入|ログイン|로그인"
    r"|σύνδεση|כניסה למערכת",
    re.IGNORECASE,
)
_NO_PAGE = re.compile(
    r"(?:page|article|content|story|file|url|document|post|site) (?:was |is |could |can |has |you \w+ \w+ |cannot )*"
    r"(?:not|no longer|n['’]t)(?: be)? (?:found|exist|available|exists)|(?:page|content|article) (?:cannot"
    r"|can['’]t) be found"
    r"|(?:not found|nothing found|404 (?:error|not)|error 404)|doesn['’]t exist|no longer (?:exists|available)"
    r"|(?:page|contenu|article|document) (?:\w+ ){0,4}?(?:introuvable|inexistante?|non trouvée?)|erreur 404"
    r"|(?:page|article|contenu) (?:\w+ ){0,4}?n['’](?:existe|est) (?:pas|plus)|(?:nicht|nichts) gefunden"
    r"|fehler 404|seite existiert nicht"
    r"|(?:no|não) (?:se ha |se |foi |fue |pudo )?(?:encontrad[ao]|encontr[óo]|existe)"
    r"|non (?:è stata )?trovat[ao]|non esiste"
    r"|niet gevonden|nie (?:znaleziono|istnieje|została znaleziona)|не найден[ао]?|не существует|страница удалена"
    r"|(?:الصفحة|المحتوى|المقال) (?:\w+ ){0,3}?(?:غير موجود|غير متوف|غير متاح)|لم يتم العثور|خطأ 404|bulunamadı"
    r"|(?:页面|网页|頁面|網頁|文章)(?:不存在|未找到|已删除|已刪除|找不到)|(?:找不到|没有找到)(?:页面|网页|頁面)|見つかりません"
    r"|찾을 수 없"
    r"|δεν βρέθηκε|לא נמצא|پیدا نشد|یافت نشد"
    r"|hittades inte|ikke funnet|ei löytynyt|nu a fost găsit|nenalezen",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"^\W*(?:error|erreur|fehler|http|errore|ошибка|خطأ)?\s*:?\s*(?:404|410)\b\W*(?:$|error|not|page|erreur|[-–—|:])",
    re.IGNORECASE,
)
_SEPARATOR = re.compile(r"\s+[-–—|•:·»]\s+|\s*\|\s*")
FEW_WORDS_OF_TITLE = 8
_SCRIPT_NEEDED = re.compile(
    r"(?:enable|activate|turn on|requires?|need(?: to enable)?) javascript|javascript (?:is |to be "
    r"|must be )?(?:disabled|required|enabled)"
    r"|(?:activer|activez|nécessite) (?:le )?javascript|javascript (?:aktivieren|einschalten)|(?:active"
    r"|habilite|activar) (?:o )?javascript"
    r"|включите javascript|启用 ?javascript|تفعيل (?:الـ?)?جافا",
    re.IGNORECASE,
)  # fmt: skip


def challenge_of(markup: str) -> str | None:
    """Whose challenge the markup is, if any."""
    return next((name for name, mark in _MARKED.items() if mark.search(markup)), None)


def asks_for_proof(text: str) -> bool:
    """Whether `text` asks its reader to be no robot, or shuts the door."""
    return bool(_CHALLENGE.search(text))


def asks_to_log_in(text: str) -> bool:
    return bool(_WAY_IN.search(text))


def needs_scripts(text: str) -> bool:
    return bool(_SCRIPT_NEEDED.search(text))


def says_not_found(text: str) -> bool:
    return bool(_NO_PAGE.search(text))


def is_numbered_not_found(title: str) -> bool:
    """Whether `title` is that of an error page of a server: `404`, `Erreur 404 – Le Journal`."""
    return bool(_NUMBER.match(title))


def is_titled_not_found(title: str) -> bool:
    """Whether a part of `title` says so and hardly anything else: of missing things, headlines say more."""
    parts = (part for part in _SEPARATOR.split(title) if len(part.split()) <= FEW_WORDS_OF_TITLE)
    return any(map(_NO_PAGE.search, parts))
