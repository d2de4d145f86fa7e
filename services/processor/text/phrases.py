"""What sites write around their articles, in the languages met most: patterns for whole lines, no sentence of news.

Each is matched against a whole line without its list mark and closing punctuation, whatever its case, with straight
apostrophes. An open end (`.*`) stands only behind words with which no sentence of an article begins.
"""

_PLATFORMS = (
    r"(?:facebook|twitter|x|instagram|whatsapp|telegram|linkedin|youtube|tik ?tok|threads|bluesky|mastodon"
    r"|google news"
    r"|google discover|discover|pinterest|reddit|flipboard|viber|messenger|vkontakte|vk|вконтакте"
    r"|одноклассники|дзен"
    r"|weibo|wechat|xing|tumblr|e-?mail|sms|فيسبوك|تويتر|واتساب|تلغرام|تليغرام|تيليغرام|telegram-канал\w*"
    r"|телеграм\w*|微博|微信)"
)
_LETTERS = (
    r"\b(?:news ?letters?|infolettres?|lettres? d'info\w*|alertes? (?:info|mail|e-?mail|gratuites?)"
    r"|(?:news|email|breaking) alerts?"
    r"|(?:our|by|via|per|par|sur) e-?mails?|inbox|bo[îi]te mail|(?:daily|morning|weekly) briefings?"
    r"|notifications?|(?:our|notre|nos|unseren?|nuestro) podcasts?|bolet[íi]n(?:es)?|correo electrónico"
    r"|bandeja de entrada|boletim|notificações"
    r"|push-\w+|benachrichtigungen|nieuwsbrie\w*|newsletter\w*|nyhedsbrev\w*|nyhetsbrev\w*|biuletyn\w*"
    r"|рассылк\w*|النشرة|نشرتنا|قناتنا"
    r"|bülten\w*|postfach|(?:whatsapp|telegram|youtube|our|notre|nuestro|nosso|nostro)[ -](?:chan+els?"
    r"|cha[îi]ne|canale?|kanal\w*))\b"
)

SUBSCRIBE = (
    rf"(?:sign up|subscribe|register|get|join|click|tap|don't miss|never miss)\b.{{0,90}}{_LETTERS}.*",
    (
        r"(?:subscribe|sign up|log in|sign in|register)(?: now| today| here| for free)?"
        r"|already a subscriber.{0,30}|become a (?:member|subscriber)"
    ),
    r"(?:subscribe|sign up) (?:to|for) our\b.{0,60}",
    rf"(?:recevez|inscrivez-vous|retrouvez|rejoignez|activez|découvrez|téléchargez)\b.{{0,90}}{_LETTERS}.*",
    r"(?:je m'abonne|s'abonner|abonnez-vous|s'inscrire|se connecter|déjà abonné|m'inscrire)\b.{0,90}",
    rf"(?:jetzt|hier|melden sie sich|bestellen sie|erhalten sie|verpassen sie|keine)\b.{{0,90}}{_LETTERS}.*",
    r"(?:(?:jetzt |newsletter )?abonnieren|abonnieren sie|jetzt (?:anmelden|registrieren|testen|lesen))\b.{0,90}",
    rf"(?:recib[ea]|regístr[ae]\w*|apúnt[ae]\w*|únete|inscríbe\w*)\b.{{0,90}}{_LETTERS}.*",
    r"(?:suscríb[ea](?:te|se)|suscribirse)\b.{0,90}",
    rf"(?:receba|inscreva-se|cadastre-se|participe|entre)\b.{{0,90}}{_LETTERS}.*",
    r"(?:assine|assinar)(?: (?:já|agora|o|a)\b.{0,30})?",
    rf"(?:ricevi|iscriviti|registrati|entra)\b.{{0,90}}{_LETTERS}.*",
    r"(?:abbonati|iscriviti)(?: (?:ora|subito|a|alla|al)\b.{0,50})?",
    rf"(?:schrijf je|meld je|ontvang|krijg)\b.{{0,90}}{_LETTERS}.*",
    r"(?:abonneer|word abonnee)\b.{0,60}",
    rf"(?:zapisz się|dołącz|otrzymuj)\b.{{0,90}}{_LETTERS}.*",
    r"(?:zaprenumeruj|subskrybuj)\b.{0,60}",
    r"подпи(?:шитесь|сывайтесь|саться)\b.{0,90}",
    rf"(?:получайте|читайте нас|следите за)\b.{{0,60}}(?:{_LETTERS}|{_PLATFORMS}).*",
    r"(?:اشترك(?:وا)?|للاشتراك) في\s.{0,80}",
    rf"(?:prenumerera|anmäl dig|meld deg på|tilmeld dig|få)\b.{{0,60}}{_LETTERS}.*",
    r"(?:whatsapp|youtube|telegram|bülten)\w*\s.{0,40}\b(?:abone ol\w*|kayıt ol\w*)",
    r"(?:εγγραφείτε|γίνετε συνδρομητ)\w*.{0,80}",
    r"(?:订阅|訂閱|扫码关注|关注我们|欢迎关注)[^。]{0,30}",
)
"""Calls to subscribe; what a pay wall says in place of the rest is in `text.paywall`."""

FOLLOW = (
    rf"(?:follow|find|join|like|connect with|add|visit)\b.{{0,60}}\b(?:on|via|to)\b.{{0,40}}\b{_PLATFORMS}\b.*",
    rf"(?:suivez|rejoignez|retrouvez|likez|aimez)\b.{{0,60}}\bsur\b.{{0,40}}\b{_PLATFORMS}\b.*",
    rf"(?:folgen sie|folge|folgt|besuchen sie)\b.{{0,60}}\b(?:auf|bei)\b.{{0,40}}\b{_PLATFORMS}\b.*",
    rf"(?:síguenos|sígue\w*|sigue a|siga|siga-nos|acompanhe|seguici|segui)\b.{{0,60}}\b{_PLATFORMS}\b.*",
    rf"(?:volg|śledź|obserwuj|polub|följ|følg|følg oss|ακολουθήστε|διαβάστε)\b.{{0,60}}\b{_PLATFORMS}\b.*",
    rf"(?:bizi )?{_PLATFORMS}\S*\s.{{0,20}}\btakip ed\w+",
    r"(?:تابعونا|تابعوا|تابعنا|انضم(?:وا)?)\s.{0,80}",
    (
        r"(?:follow us|suivez-nous|folgen sie uns|síguenos|siga-nos|seguici|volg ons|śledź nas|följ oss"
        r"|ακολουθήστε μας)\b.{0,60}"
    ),
)
"""Calls to follow the site elsewhere."""

SHARE = (
    (
        r"(?:share|tweet|email|print|copy link|copy|save)(?: this| the)?(?: article| story| page| post| link"
        rf"| news)?(?: (?:on|via|with|by|to) {_PLATFORMS}| with friends)?"
    ),
    (
        r"(?:partager|partagez|envoyer|imprimer|copier le lien|tweeter)(?: (?:cet|l') ?article"
        rf"| la page)?(?: (?:sur|par) {_PLATFORMS})?"
    ),
    (
        r"(?:(?:artikel|beitrag|seite) )?(?:teilen|drucken|merken|versenden|link kopieren)(?: (?:auf|per"
        rf"|bei) {_PLATFORMS})?"
    ),
    (
        r"(?:compartir|comparte|compartilhar|compartilhe|partilhar|condividi|imprimir|stampa)(?: (?:en|no|na"
        rf"|su|por) {_PLATFORMS})?(?: (?:esta noticia|este artículo|esta notícia|l'articolo))?"
    ),
    (
        r"(?:delen|deel dit artikel|del|dela|udostępnij|drukuj|paylaş|κοινοποίηση|εκτύπωση|jaa)(?: (?:op|på"
        rf"|na) {_PLATFORMS})?"
    ),
    r"поделиться(?: новостью| в соцсетях| ссылкой)?",
    r"(?:شارك|مشاركة|طباعة)(?: المقال| الخبر| هذا الخبر)?",
    r"(?:分享|分享到|转发|收藏|打印|字号|シェア|シェアする|共有|印刷|공유)[^。]{0,8}",
    rf"{_PLATFORMS}(?:[\s,|/·•-]+{_PLATFORMS})+",
)
"""Rows of buttons."""

COUNTS = (
    (
        r"\(?\d+\)? (?:comments?|commentaires?|kommentare?|comentarios?|comentários?|commenti|reacties"
        r"|komentarz\w*|σχόλια|yorum|تعليق\w*)"
    ),
    (
        r"(?:comments?|commentaires?|kommentare?|comentarios?|comentários?|commenti|komentarze|комментарии"
        r"|комментариев|σχόλια|التعليقات|تعليقات|评论|評論|留言|コメント)\s*[:：]?\s*[(（]?\d*[)）]?"
    ),
    (
        r"(?:leave|post|add|write|view|show|join) (?:a |all |the |your )?(?:\d+ )?(?:comments?|reply"
        r"|conversation|discussion)"
    ),
    r"(?:laisser|poster|ajouter|voir|lire) (?:un|les|tous les) (?:\d+ )?commentaires?|réagir(?: à cet article)?",
    (
        r"(?:kommentar schreiben|kommentare (?:lesen|anzeigen|ansehen)|dodaj komentarz|lascia un commento"
        r"|deja un comentario"
        r"|deixe um comentário|оставить комментарий|написать комментарий|اترك تعليقا?|اترك ردا?|yorum yap)"
    ),
    (
        r"(?:views?|vues|lectures|visitas|просмотров|просмотры|прочтений|odsłon|wyświetleń|المشاهدات|阅读|浏览"
        r"|点击)\s*[:：]?\s*\d[\d .,]*"
    ),
    r"lu \d+ fois|\d[\d .,]* (?:views|vues|просмотр\w*|مشاهدة|visualizações)",
    r"\d+ ?min(?:s|utes?)?\.? (?:read|de lecture|lesezeit|de lectura|de leitura|di lettura|leestijd|czytania)",
    (
        r"(?:(?:estimated )?read(?:ing)? time|temps de lecture|durée de lecture|lecture|lesezeit|lesedauer"
        r"|tiempo de lectura"
        r"|tempo di lettura|tempo de leitura|leestijd|czas czytania|время (?:на )?чтени[ея]|مدة القراءة"
        r"|وقت القراءة|okuma süresi|lästid|lesetid|læsetid)\s*:?\s*[≈~<]?\s*\d+.{0,12}"
    ),
)
"""Comments, visits and minutes, counted."""

ADVERTISEMENT = (
    (
        r"(?:advertisement|advertising|sponsored|ad|publicité|anzeige|werbung|publicidad|publicidade"
        r"|pubblicità|advertentie"
        r"|reklama|реклама|إعلان|annonse|annonce|annons|reklam|διαφήμιση|mainos|广告|廣告|広告|\[?pr\]?)"
    ),
    (
        r"(?:advertisement .{0,30})?(?:article|story|scroll|content) continues? (?:below|after)\b.{0,30}"
        r"|scroll to continue.{0,20}"
    ),
    r"(?:passer|fermer) la publicité|la suite après (?:la|cette) publicité|après la publicité",
    r"(?:lesen sie|weiter|artikel geht) .{0,20}(?:nach|unter) der (?:anzeige|werbung).{0,12}",
    r"(?:continúa|sigue leyendo|continua|a notícia continua) (?:después de|após|dopo) (?:la |a )?publici\w+.{0,12}",
    (
        r"article content|story continues|read full story|continue reading|lire la suite|weiterlesen"
        r"|seguir leyendo|continua a leggere"
        r"|leia mais|читать далее|читать полностью|czytaj dalej|devamını oku|اقرأ المزيد"
    ),
)
"""What stands at a gap in the text."""

_RIGHTS = (
    r"(?:all rights reserved|tous droits réservés|alle rechte vorbehalten|todos los derechos reservados"
    r"|tutti i diritti riservati"
    r"|todos os direitos reservados|wszelkie prawa zastrzeżone|все права защищены|جميع الحقوق محفوظة|版权所有"
    r"|版權所有|無断転載)"
)
CREDIT = (
    r"(?:©|\(c\) ).*",
    rf"(?:copyright|droits d'auteur)\b.*|(?:.{{1,30}}[.,:|–-] ?)?{_RIGHTS}.{{0,40}}",
    (
        r"(?:photos?|fotos?|images?|bild(?:er)?|pictures?|zdjęci[ea]|фото|imagen|imagem|immagine|kuva"
        r"|φωτογραφία|φωτο|صورة|الصورة|图|foto|video"
        r"|vidéo|видео|illustration|grafik|infographie) ?(?:credits?|courtesy|source|crédit|by)? ?[:/：©] ?.*"
    ),
    (
        r"(?:crédits?(?: photos?)?|photo credits?|image credits?|bildquelle|bildnachweis|créditos?|crediti"
        r"|fotocredit|źródło zdjęcia"
        r"|fot\.|foto de|photo by|photograph by|photo courtesy of|picture by) ?:? ?.*"
    ),
)
"""Whose pictures and rights they are."""

LABELLED = (
    (
        r"(?:tags?|mots[- ]clés?|étiquettes?|schlagw(?:ort|orte|örter)|themen|etiquetas|temas|tag|etichette"
        r"|теги|метки|ключевые слова|etiketler"
        r"|topics|keywords|filed under|categor(?:y|ies)|catégories?|rubriques?|kategorien?|emneord|ämnen|tagi"
        r"|słowa kluczowe|كلمات (?:مفتاحية|دلالية)"
        r"|الكلمات (?:المفتاحية|الدلالية)|关键词|关键字|标签)\s*(?:[:：].{0,300})?"
    ),
    r"[（(\[【]?(?:责任编辑|责编|編輯|编辑|作者|记者|記者|撰文|出处|责任校对)\s*[:：／/]\s*\S{0,12}(?:[\s|｜].{0,40})?",
)
"""Rows that begin with what they list."""

NOTICE = (
    r"(?:заметили ошибку|нашли (?:ошибку|опечатку)|увидели ошибку).*",
    r"(?:spotted an error|found a mistake|report (?:an error|a typo))\b.*",
    r"(?:une erreur|une coquille|signaler une erreur|vous avez repéré)\b.{0,80}",
    r"(?:fehler (?:gefunden|entdeckt|melden))\b.{0,80}",
    r"(?:do you have|have you got|got) a (?:story|tip|news tip)\b.*",
    r"get in touch with (?:our|us|the)\b.*",
    r"for more stories like this\b.*",
    r"(?:view|voir) this (?:post|photo) on instagram|a (?:post|photo|video) shared by .+",
    r"(?:une publication partagée par|ein beitrag geteilt von|un post condiviso da) .+",
    r"una publicación compartida (?:de|por) .+",
    r"(?:voir cette publication sur|sieh dir diesen beitrag auf|ver esta publicación en|ver essa foto no) instagram",
    r"the post .{12,} appeared first on .+",
    r"(?:l'article|cet article) .+ est apparu en premier sur .+",
    r"(?:download|get) (?:our|the) .{0,30}\bapp\b.*",
    r"téléchargez (?:notre|l')\s?appli.*",
    r"descarga nuestra app.*",
    r"скачайте (?:наше )?приложение.*",
    (
        r"(?:we use|this (?:site|website) uses|nous utilisons|diese (?:seite|website) verwendet|utilizamos"
        r"|мы используем) .{0,30}cookies?\b.*"
    ),
    r"(?:your browser|votre navigateur|ihr browser|tu navegador) (?:does not|ne |unterstützt|no ).*",
    (
        r"(?:back to top|haut de page|retour en haut|nach oben|volver arriba|наверх|loading(?: comments)?"
        r"|chargement|wird geladen|загрузка)"
    ),
    r"(?:twitter|x|instagram|e-?mail|courriel)\s*(?::\s*@?|@)[\w.+-]+@?[\w.-]*\.?\w*",
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|@\w{2,30}",
)
"""What a page says of itself."""

STAMP_LABELS = (
    r"(?:(?:first |last |date )?(?:published|updated|posted|modified)(?: (?:on|at))?|publiée?s?(?: le| à)?"
    r"|mise?s? à jour(?: le| à)?|modifiée?(?: le)?"
    r"|posté le|créé le|veröffentlicht(?: am)?|aktualisiert(?: am)?|stand|erstellt|publicado(?: el| em)?"
    r"|actualizado(?: el)?|atualizado(?: em)?"
    r"|pubblicato(?: il)?|aggiornato(?: il| alle)?|gepubliceerd(?: op)?|bijgewerkt|laatste update"
    r"|opublikowano|aktualizacja|publikacja|utworzono"
    r"|опубликовано|обновлено|добавлено|создано|размещено|نُ?شرت?(?: في)?|تاريخ النشر|آخر تحديث|تم التحديث"
    r"|güncelleme(?: tarihi)?|yayın(?:lanma)?(?: tarihi)?"
    r"|giriş|publicerad|publisert|oppdatert|uppdaterad|opdateret|publiceret|δημοσίευση|ενημέρωση"
    r"|τελευταία ενημέρωση|发布时间|时间|更新|公開)"
)
"""Before a time at which a page was made; whatever follows holds a number."""
