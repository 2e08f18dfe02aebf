//! What each reason means, in German.

super::explanations! {
    AmbiguousRequest =>
        "Die Anfrage ist mehrdeutig",
        "Adresse oder Inhalt der Anfrage lassen sich auf mehrere Arten lesen, oder kein redlicher Client sendet sie so.",
        "Öffnen Sie die Seite neu und nutzen Sie ihre eigenen Links und Formulare. Programme: jeden Teil der Anfrage nur einmal senden, den Pfad in einfacher Form.";
    BodyTooLarge =>
        "Die Anfrage ist zu groß",
        "Diese Aktion ist geschützt; ihre Anfrage muss gelesen werden, um sie zu beurteilen, und sie ist größer als erlaubt.",
        "Senden Sie weniger auf einmal. Der Betreiber dieser Website kann body_limit erhöhen.";
    ChallengeExpired =>
        "Diese Bestätigung ist beendet",
        "Sie ist abgelaufen, wurde schon beantwortet oder gehört zu einer anderen Sitzung oder einem anderen Browser.",
        "Gehen Sie zurück und versuchen Sie die Aktion noch einmal; Sie werden dann neu gefragt.";
    ConnectionAuthenticated =>
        "Diese Verbindung ist selbst angemeldet",
        "Ihr Browser oder Programm hat die Verbindung zur Anwendung angemeldet (NTLM oder Negotiate). Wessen Anfrage das wäre, ist nicht zu erkennen; geschützte Aktionen gehen darüber nicht.",
        "Wiederholen Sie die Anfrage auf einer anderen Verbindung, ohne diese anzumelden. Der Betreiber dieser Website kann die Anwendung mit einem Cookie anmelden lassen.";
    CrossSite =>
        "Das kam nicht von unserer eigenen Seite",
        "Eine fremde Website oder eine Seite aus einem anderen Browser wollte hier etwas ändern.",
        "Öffnen Sie die Seite neu und nutzen Sie ihre eigenen Knöpfe. Programme: JSON senden, mit `Content-Type: application/json`.";
    FactorLocked =>
        "Dieser Weg ist gesperrt",
        "Nach zu vielen Fehlversuchen in Folge wird hier keine Antwort mehr angenommen.",
        "Nutzen Sie einen anderen Weg, oder bitten Sie den Betreiber dieser Website, die Sperre aufzuheben.";
    GrantExpired =>
        "Die Bestätigung ist zu alt",
        "Sie haben sich für diese Aktion ausgewiesen, aber die Zeit dafür ist vorbei.",
        "Weisen Sie sich noch einmal aus und wiederholen Sie die Aktion.";
    GrantMismatch =>
        "Die Bestätigung galt etwas anderem",
        "Sie haben sich ausgewiesen, aber für eine andere Anfrage: Ein Wert ist hier anders, oder ein stärkerer Nachweis ist nötig.",
        "Weisen Sie sich für diese Anfrage noch einmal aus.";
    GrantSpent =>
        "Die Bestätigung ist verbraucht",
        "Eine Bestätigung für diese Aktion gilt für eine einzige Anfrage, und diese wurde schon gestellt.",
        "Weisen Sie sich noch einmal aus, um die Aktion zu wiederholen.";
    HeadTooLarge =>
        "Die Kopfzeilen sind zu groß",
        "Die Kopfzeilen der Anfrage, zu denen alle Cookies dieser Website gehören, sind länger oder mehr als erlaubt.",
        "Löschen Sie die Cookies dieser Website und melden Sie sich neu an. Der Betreiber kann limits.header_bytes und limits.headers erhöhen.";
    InvalidUpstreamResponse =>
        "Die Anwendung antwortete fehlerhaft",
        "Was von der Anwendung zurückkam, ist keine einwandfreie HTTP-Nachricht und wurde deshalb nicht weitergegeben.",
        "Versuchen Sie es später noch einmal. Bleibt es dabei, nennen Sie dem Betreiber die Nummer der Anfrage.";
    LimitReached =>
        "Zu viel auf einmal",
        "Eine Grenze für Verbindungen oder gleichzeitige Arbeit ist erreicht.",
        "Warten Sie einen Augenblick und versuchen Sie es noch einmal.";
    MailUnavailable =>
        "Die E-Mail konnte nicht gesendet werden",
        "Der Mailserver hat die Nachricht nicht angenommen; es ist kein Code unterwegs.",
        "Versuchen Sie es gleich noch einmal oder wählen Sie einen anderen Weg.";
    MethodNotEnrolled =>
        "Es ist kein Nachweis eingerichtet",
        "Für diese Aktion gelten bestimmte Identitätsnachweise, und keiner davon ist für Ihr Konto eingerichtet.",
        "Bitten Sie den Betreiber dieser Website, einen einzurichten, und versuchen Sie es dann noch einmal.";
    NotFound =>
        "Hier ist nichts",
        "Unter dieser Adresse gibt es nichts, oder sie kennt diese Methode nicht.",
        "Prüfen Sie die Adresse, oder beginnen Sie auf der Startseite der Website neu.";
    PasswordUnavailable =>
        "Ihr Passwort kann gerade nicht geprüft werden",
        "Die Anmeldung der Anwendung, die Passwörter prüft, antwortet nicht wie erwartet. Ihre Antwort wurde nicht gezählt.",
        "Versuchen Sie es gleich noch einmal oder wählen Sie einen anderen Weg.";
    PolicyDefaultDeny =>
        "Hier nicht erlaubt",
        "Die Regeln dieser Website nennen, was erlaubt ist; diese Adresse gehört nicht dazu.",
        "Sollte Ihnen das möglich sein, nennen Sie dem Betreiber die Nummer der Anfrage.";
    RequestTimeout =>
        "Die Anfrage kam zu langsam",
        "Die Anfrage war nicht vollständig, als die Zeit dafür um war.",
        "Prüfen Sie Ihre Verbindung und senden Sie sie noch einmal. Der Betreiber dieser Website kann mehr Zeit geben.";
    SessionDisputed =>
        "Bitte melden Sie sich neu an",
        "Jemand hat sich mit einer Sitzung, die dieser Browser schon hatte, an- oder abgemeldet oder es versucht. Wessen Sitzung das nun ist, lässt sich nicht sicher sagen.",
        "Melden Sie sich ab, wenn es noch geht, und dann neu an. Waren Sie es nicht, ändern Sie Ihr Passwort.";
    SessionNotFresh =>
        "Ihre Anmeldung ist dafür zu alt",
        "Sie sind angemeldet, aber für diese Aktion liegt das zu lange zurück.",
        "Weisen Sie sich aus, oder melden Sie sich ab und wieder an.";
    SessionRequired =>
        "Bitte melden Sie sich zuerst an",
        "Diese Aktion ist geschützt, und hinter dieser Anfrage steht keine uns bekannte Anmeldung.",
        "Melden Sie sich an und versuchen Sie es dann noch einmal.";
    SessionRevoked =>
        "Diese Sitzung wurde beendet",
        "Sie oder der Betreiber dieser Website haben diese Sitzung beendet. Sie öffnet nichts mehr.",
        "Melden Sie sich neu an. Haben Sie sie nicht selbst beendet, ändern Sie Ihr Passwort.";
    SessionTimedOut =>
        "Ihre Sitzung ist abgelaufen",
        "Sie ist älter oder war länger ungenutzt, als diese Website erlaubt.",
        "Melden Sie sich neu an und fahren Sie dann fort.";
    StepUpRequired =>
        "Bestätigung erforderlich",
        "Diese Aktion verlangt einen frischen Identitätsnachweis.",
        "Weisen Sie sich auf einem der angebotenen Wege aus und wiederholen Sie dann die Aktion.";
    StoreUnavailable =>
        "Das lässt sich gerade nicht prüfen",
        "Der Speicher für Bestätigungen antwortet nicht. Geschützte Aktionen bleiben so lange zu; geändert wurde nichts.",
        "Versuchen Sie es gleich noch einmal. Bleibt es dabei, sagen Sie dem Betreiber Bescheid.";
    SubjectMismatch =>
        "Sie sind jetzt als jemand anderes angemeldet",
        "Laut der Anwendung gehört diese Sitzung einer anderen Person als der, die sich darin ausgewiesen hat. Frühere Nachweise gelten nicht mehr.",
        "Weisen Sie sich als die Person aus, als die Sie angemeldet sind, oder melden Sie sich neu an.";
    SubjectUnavailable =>
        "Gerade lässt sich nicht feststellen, wer Sie sind",
        "Die Anwendung wurde gefragt, wer angemeldet ist, und hat es nicht gesagt. Geschützte Aktionen bleiben so lange zu; geändert wurde nichts.",
        "Versuchen Sie es gleich noch einmal. Bleibt es dabei, sagen Sie dem Betreiber Bescheid.";
    TargetTooLong =>
        "Die Adresse ist zu lang",
        "Die Adresse der Anfrage, mit allem nach dem Fragezeichen, ist länger als erlaubt.",
        "Nehmen Sie eine kürzere Adresse. Der Betreiber dieser Website kann limits.header_bytes erhöhen.";
    TooManyAttempts =>
        "Zu viele Versuche",
        "In kurzer Zeit kamen zu viele Antworten oder Codes; vorerst wird keine weitere Antwort angenommen.",
        "Warten Sie die angegebene Zeit ab und versuchen Sie es dann noch einmal.";
    UpstreamTimeout =>
        "Die Anwendung hat nicht rechtzeitig geantwortet",
        "Die Anfrage wurde weitergegeben, doch in der erlaubten Zeit kam keine Antwort. Ob sie gewirkt hat, ist offen.",
        "Prüfen Sie, ob sie gewirkt hat, bevor Sie sie wiederholen. Bleibt es dabei, sagen Sie dem Betreiber Bescheid.";
    UpstreamUnreachable =>
        "Die Anwendung ist nicht erreichbar",
        "Die Anwendung hinter dieser Adresse nimmt keine Verbindungen an oder hat aufgelegt.",
        "Versuchen Sie es gleich noch einmal. Bleibt es dabei, sagen Sie dem Betreiber Bescheid.";
    WrongAnswer =>
        "Diese Antwort stimmt nicht",
        "Passwort, Code oder die Phrase in `confirm` stimmen nicht. Ein Code kann auch schon benutzt oder zu alt sein.",
        "Versuchen Sie es mit Bedacht noch einmal: Die Zahl der Versuche ist begrenzt.";
}
