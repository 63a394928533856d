# Die Texte der Seiten für den Self-Service und den Helpdesk.

language-name = Deutsch

## Auf jeder Seite

skip = Zum Inhalt springen
language = Sprache
site-self-service = Self-Service
site-helpdesk = Helpdesk
signed-in-as = Angemeldet als { $name }
served-by = Bedient von { $node }
show = Anzeigen
hide = Verbergen
continue = Weiter
cancel = Abbrechen
save = Speichern
to-start = Zur Startseite
try-again = Erneut versuchen
please-check = Bitte prüfen Sie dies
code = Code
request = Anfrage

## Die Startseite und der Benutzername

home-title = Was möchten Sie tun?
home-lead = Helfen Sie sich selbst mit Ihrem Kennwort und Ihrem Konto. Es dauert nur ein bis zwei Minuten.
home-nothing = Hier wird noch nichts angeboten. Zuerst muss ein Administrator diesen Dienst einrichten.
your-user-name = Ihr Benutzername
your-user-name-hint = So, wie Sie ihn an Ihrem Computer eingeben, zum Beispiel jdoe oder CORP\jdoe, oder Ihre E-Mail-Adresse.

## Die Leiste, die zeigt, wo man in einer Aufgabe ist

steps = Schritte dieser Aufgabe
part-user-name = Benutzername
part-password = Kennwort
part-questions = Fragen
part-passcode = Passcode
part-new-password = Neues Kennwort
part-unlock = Entsperren
part-enable = Aktivieren
part-agreement = Zustimmung
part-captcha = Sicherheitsprüfung
part-methods = Bestätigung
part-mail-code = Code
part-notifications = Benachrichtigungen
part-done = Fertig

## Die Schritte

for-user = Für
questions-title = Beantworten Sie Ihre Sicherheitsfragen
answers-hint = Groß- und Kleinschreibung und zusätzliche Leerzeichen spielen keine Rolle.
password-title = Geben Sie Ihr Kennwort ein
password-lead = Das Kennwort, das Sie derzeit an Ihrem Computer verwenden.
profile-title = Wählen Sie Ihre Sicherheitsfragen
profile-lead = Falls Sie einmal Ihr Kennwort vergessen, beweisen diese Antworten, wer Sie sind. Wählen Sie Antworten, an die Sie sich erinnern werden und die andere nicht herausfinden können.
choose-a-question = Wählen Sie eine Frage
please-choose = Bitte wählen
own-question = Schreiben Sie eine eigene Frage
your-answer = Ihre Antwort
answer-length = { $count ->
    [one] Eine Antwort hat mindestens ein Zeichen.
   *[other] Eine Antwort hat mindestens { $count } Zeichen.
}
answer-is-kept = Der Helpdesk darf diese Antwort sehen, um sicherzugehen, dass Sie es sind, wenn Sie anrufen.
new-password-title = Wählen Sie ein neues Kennwort
set-new-password = Neues Kennwort setzen
unlock-title = Ihr Konto entsperren
unlock-lead = Wir entsperren nun Ihr Konto. Ihr Kennwort bleibt, wie es ist.
unlock-my-account = Mein Konto entsperren
enable-title = Ihr Konto aktivieren
enable-lead = Wir aktivieren nun Ihr Konto. Ihr Kennwort bleibt, wie es ist.
enable-my-account = Mein Konto aktivieren
passcode = Passcode
passcode-title = Geben Sie Ihren Passcode ein
passcode-lead = Sie haben ihn vom Helpdesk erhalten. Er gilt einmal; Großschreibung, Leerzeichen und Bindestriche spielen keine Rolle.
agreement-title = Bitte lesen und zustimmen
accept = Ich habe dies gelesen und stimme zu
captcha-title = Eine kurze Prüfung
captcha-lead = Sie hält Programme davon ab, viele Namen auszuprobieren. Sie müssen dafür nichts sehen oder hören, und niemand sonst erfährt davon.
captcha-works = Ihr Browser rechnet. Das dauert einige Sekunden.
captcha-done = Ihr Browser hat seinen Teil getan. Sie können fortfahren.
captcha-sum = Wie viel ist { $one } plus { $other }?
captcha-type = Geben Sie die Zahl ein.
captcha-pause = { $count ->
    [one] Sie wird angenommen, sobald diese Seite eine Sekunde lang offen ist.
   *[other] Sie wird angenommen, sobald diese Seite { $count } Sekunden lang offen ist.
}
captcha-instead = Stattdessen eine Frage beantworten
methods-title = Wie möchten Sie beweisen, wer Sie sind?
methods-lead = Wählen Sie, was für Sie am einfachsten ist. Falsche Versuche zählen zusammen, welchen Weg Sie auch nehmen.
methods = Wege
method-questions = Meine Sicherheitsfragen beantworten
method-password = Mein derzeitiges Kennwort eingeben
method-mail-code = Einen Code per E-Mail erhalten
choose-another-way = Einen anderen Weg wählen
mail-code-title = Einen Code per E-Mail erhalten
mail-code-to = Wir senden einen Code an
mail-at-hand = Halten Sie Ihr E-Mail-Postfach bereit.
mail-code-sent-title = Geben Sie den Code aus Ihrer E-Mail ein
mail-code-sent-to = Falls wir eine Adresse von Ihnen haben, ist eine E-Mail unterwegs an
code-digits = { $count ->
    [one] Ein Code hat eine Ziffer.
   *[other] Ein Code hat { $count } Ziffern.
}
code-life = { $count ->
    [one] Der Code gilt eine Minute lang, in diesem Browser.
   *[other] Der Code gilt { $count } Minuten lang, in diesem Browser.
}
send-code = Code senden
send-another-code = Einen weiteren Code senden
notifications-title = Wählen Sie, worüber Sie benachrichtigt werden
notifications-lead = Per E-Mail, an die Adresse, die Ihre Organisation von Ihnen hat.
notifications-when = Benachrichtigen Sie mich, wenn
notifications-always = Hierüber werden Sie immer benachrichtigt, sofern Ihre Organisation überhaupt Benachrichtigungen sendet:
notification-password = Mein Kennwort wurde geändert
notification-account = Mein Konto wurde entsperrt oder aktiviert
notification-questions = Meine Sicherheitsfragen wurden geändert
notification-other = Eine andere Aufgabe wurde erledigt
notification-failure = Eine Aufgabe ist fehlgeschlagen
notification-helpdesk = Der Helpdesk hat etwas für mich getan

## Bezeichnungen der Felder, vor dem, was an ihnen falsch ist

label-user-name = Benutzername
label-password = Kennwort
label-current-password = Derzeitiges Kennwort
label-new-password = Neues Kennwort
label-new-password-again = Neues Kennwort wiederholen
label-answer = Antwort { $number }
label-question = Frage { $number }
label-sum = Antwort

## Die Regeln für ein neues Kennwort

rule-min = { $count ->
    [one] Mindestens ein Zeichen
   *[other] Mindestens { $count } Zeichen
}
rule-max = { $count ->
    [one] Höchstens ein Zeichen
   *[other] Höchstens { $count } Zeichen
}
rule-kinds = Mindestens { $count } von diesen: Großbuchstaben, Kleinbuchstaben, Ziffern, andere Zeichen
rule-names = Weder Ihr Name noch Ihr Benutzername darin
rule-names-of-user = Weder der Name noch der Benutzername dieser Person darin
rule-same = Beide Eingaben sind gleich

## Das Ende einer Aufgabe

done-title-questions = Ihre Sicherheitsfragen sind gespeichert
done-title-password = Ihr Kennwort ist geändert
done-title-unlock = Ihr Konto ist entsperrt
done-title-notifications = Ihre Auswahl ist gespeichert
done-title-custom = Fertig
done-questions = Von nun an können Sie sie verwenden, wenn Sie Ihr Kennwort vergessen haben oder Ihr Konto gesperrt ist.
done-password = Verwenden Sie von nun an das neue Kennwort. Geräte, die das alte gespeichert haben, etwa für E-Mail auf Ihrem Telefon, werden danach fragen; bis zu einer Stunde lang kann das alte an manchen Stellen noch angenommen werden.
done-unlock = Sie können sich mit Ihrem bisherigen Kennwort wieder anmelden.
done-notifications = Von nun an erhalten Sie die E-Mails, die Sie gewählt haben.
done-custom = Alles, was Sie gewünscht haben, ist erledigt.
close-to-logon = Schließen Sie dieses Fenster, um zum Anmeldebildschirm zurückzukehren.
close-window = Schließen Sie zu Ihrer Sicherheit dieses Fenster, wenn andere den Computer mitbenutzen.
unknown-outcome = Ihre Anfrage wurde an das Verzeichnis Ihrer Organisation gesendet, aber es kam keine Antwort. Sie kann wirksam geworden sein oder nicht.
unknown-password = Versuchen Sie zuerst, sich mit dem neuen Kennwort anzumelden. Wird es nicht angenommen, gilt noch der alte Stand: Beginnen Sie diese Aufgabe dann von vorn.
unknown-unlock = Versuchen Sie, sich mit Ihrem Kennwort anzumelden. Ist Ihr Konto noch gesperrt, beginnen Sie diese Aufgabe von vorn.
unknown-other = Warten Sie zwei Minuten und beginnen Sie diese Aufgabe dann sicherheitshalber von vorn.

## Was an einer Eingabe falsch ist

not-a-passcode = Das ist kein Passcode: Ein Passcode hat { $least } bis { $most } Buchstaben und Ziffern.
attempts-left = { $wrong } { $count ->
    [one] Sie haben noch einen Versuch.
   *[other] Sie haben noch { $count } Versuche.
}
wrong-answers = Wir konnten Sie mit diesen Antworten nicht bestätigen.
wrong-answer = Diese Antwort ist nicht richtig.
wrong-passcode = Dieser Passcode ist nicht richtig, wurde schon verwendet oder ist abgelaufen.
check-over = Diese Prüfung ist abgelaufen. Hier ist eine neue.
check-wrong = Das ist nicht richtig. Hier ist eine andere Frage.
check-not-done = Ihr Browser hat seinen Teil nicht getan, und es wurde keine Antwort eingegeben. Beantworten Sie die Frage, um fortzufahren.
too-early = { $count ->
    [one] Das war schneller, als ein Mensch tippt. Senden Sie es in einer Sekunde noch einmal.
   *[other] Das war schneller, als ein Mensch tippt. Senden Sie es in { $count } Sekunden noch einmal.
}
wrong-code = Dieser Code ist nicht richtig, wurde schon verwendet oder ist abgelaufen.
no-code-sent = Es wurde noch kein Code gesendet. Lassen Sie sich zuerst einen senden.
too-many-codes = Gerade eben wurde ein Code gesendet, oder mehrere innerhalb einer Stunde. Sie können in { $span } einen weiteren erhalten.
choose-method = Wählen Sie eines davon.
accept-first = Stimmen Sie dem Text oben zu, um fortzufahren.
wrong-password = Der Benutzername oder das Kennwort ist nicht richtig, oder dieses Konto kann sich derzeit nicht anmelden.
field-empty = Füllen Sie dieses Feld aus.
field-too-long = Das ist länger als erlaubt (256 Zeichen).
field-control = Das enthält ein Zeichen, das hier nicht verwendet werden kann.
name-invalid = Geben Sie Ihren Benutzernamen ein, zum Beispiel jdoe, CORP\jdoe oder jdoe@example.com.
confirmation-differs = Die beiden neuen Kennwörter sind nicht gleich.
same-as-current = Das neue Kennwort ist das derzeitige.
domain-refuses-password = Ihre Organisation nimmt dieses Kennwort nicht an. Es kann zu kurz, zu einfach oder schon verwendet worden sein, oder die letzte Änderung liegt zu kurz zurück. Wählen Sie ein anderes.
choose-question = Wählen Sie eine Frage aus der Liste.
question-unknown = Diese Frage steht nicht mehr auf der Liste.
question-twice = Sie haben diese Frage zweimal gewählt.
question-length = Schreiben Sie eine Frage mit { $min } bis 300 Zeichen.
answer-too-short = { $min ->
    [one] Verwenden Sie mindestens ein Zeichen.
   *[other] Verwenden Sie mindestens { $min } Zeichen.
}
answer-twice = Sie haben diese Antwort schon auf eine andere Frage gegeben.
answer-in-question = Die Frage enthält diese Antwort bereits.
question-unanswered = Die Frage „{ $question }“ muss beantwortet werden.
optional-count = { $wanted ->
    [one] Wählen Sie eine der freiwilligen Fragen.
   *[other] Wählen Sie { $wanted } der freiwilligen Fragen.
}
own-count = { $wanted ->
    [one] Schreiben Sie eine eigene Frage.
   *[other] Schreiben Sie { $wanted } eigene Fragen.
}
password-too-short = { $min ->
    [one] Verwenden Sie mindestens ein Zeichen.
   *[other] Verwenden Sie mindestens { $min } Zeichen.
}
password-too-long = { $max ->
    [one] Verwenden Sie höchstens ein Zeichen.
   *[other] Verwenden Sie höchstens { $max } Zeichen.
}
password-kinds = Mischen Sie mindestens { $kinds } von diesen: Großbuchstaben, Kleinbuchstaben, Ziffern, andere Zeichen.
password-holds-name = Lassen Sie Ihren Namen und Ihren Anmeldenamen weg.

## Ein Fehler: die Überschrift, was geschehen ist, und was man tun kann

title-no-quorum = Im Moment nicht verfügbar
title-unknown-outcome = Der Ausgang ist uns nicht bekannt
title-locked = Für eine Weile gesperrt
title-ticket-used = Schon erledigt
title-not-found = Seite nicht gefunden
title-too-large = Zu viel Text
title-bad-input = Anfrage nicht verstanden
title-unauthenticated = Bitte melden Sie sich an
title-forbidden = Nicht erlaubt
title-csrf = Bitte wiederholen Sie diesen Schritt
title-session-expired = Bitte beginnen Sie von vorn
title-stale-revision = Inzwischen geändert
title-other = Etwas ist fehlgeschlagen
node-holds-no-key = Dieser Server hat die nötigen Schlüssel noch nicht erhalten und kann Sie daher nicht bedienen. Es wurde nichts geändert.
not-this-node = Was Sie ändern möchten, liest dieser Server nur. Es wurde nichts geändert. Tun Sie es auf einem von diesen: { $nodes }
name-the-domain = Eines der Verzeichnisse Ihrer Organisation ist im Moment nicht erreichbar. Es wurde nichts geändert. Ist Ihr Konto in einem anderen, geben Sie dessen Domäne vor Ihrem Namen ein, zum Beispiel CORP\jdoe.
source-is-full = Im Moment werden zu viele Anfragen von Ihrer Netzwerkadresse beantwortet. Versuchen Sie es in einigen Sekunden erneut.
task-not-offered = Diese Aufgabe wird hier nicht angeboten.
task-changed = Ein Administrator hat die Einstellungen dieser Aufgabe geändert, während Sie dabei waren. Dieser Schritt wurde nicht ausgeführt.
step-not-done = Dieser Schritt konnte im Moment nicht ausgeführt werden. Was Sie in den Schritten davor getan haben, bleibt bestehen.
profile-changed = Ihre Sicherheitsfragen wurden zur selben Zeit an anderer Stelle geändert, daher wurde diese Änderung nicht gespeichert.
attempt-unsure = Wir konnten nicht sicherstellen, dass Ihr Versuch verzeichnet wurde, daher wurde er nicht geprüft. Er kann als ein Versuch zählen.
ticket-unsure = Wir konnten nicht sicherstellen, dass dieser Schritt verzeichnet wurde, daher wurde er nicht ausgeführt. Warten Sie zwei Minuten, bevor Sie es erneut versuchen.
happened-no-quorum = Der Dienst kann im Moment keine Änderungen bestätigen, weil die meisten seiner Server nicht erreichbar sind. Es wurde nichts geändert und nichts ist verloren.
happened-no-voter = Der Dienst ist im Moment nicht erreichbar. Es wurde nichts geändert und nichts ist verloren.
happened-busy = Im Moment verwenden zu viele Personen den Dienst. Es wurde nichts geändert.
happened-unknown-outcome = Ihre Anfrage wurde gesendet, aber es kam keine Antwort. Wir wissen nicht, ob sie wirksam geworden ist.
happened-locked = Es gab zu viele Versuche, daher ist dieser Dienst für diesen Benutzer eine Weile gesperrt.
happened-too-many-requests = Von Ihrer Netzwerkadresse kamen zu viele Versuche.
happened-ticket-used = Dieser Schritt wurde schon ausgeführt, oder eine andere Änderung für denselben Benutzer ist im Gange. Er wurde nicht noch einmal ausgeführt.
happened-not-found = Eine solche Seite gibt es hier nicht.
happened-bad-input = Die Anfrage ist nicht verständlich.
happened-too-large = Sie haben mehr gesendet, als diese Seite annimmt.
happened-unauthenticated = Sie sind nicht angemeldet.
happened-forbidden = Das ist Ihnen nicht erlaubt.
happened-csrf = Dieses Formular gehört nicht zu Ihrem jetzigen Besuch, daher wurde nichts ausgeführt. Vielleicht war es zu lange offen, oder Cookies sind abgeschaltet.
happened-session-expired = Ihre Zeit für diese Aufgabe ist abgelaufen, oder die Aufgabe wurde nicht in diesem Browser begonnen.
happened-directory-unreachable = Das Verzeichnis Ihrer Organisation ist im Moment nicht erreichbar. Es wurde nichts geändert.
happened-directory-refused = Das Verzeichnis Ihrer Organisation hat die Anfrage abgelehnt. Es wurde nichts geändert.
happened-foreign-value = Ihre Sicherheitsfragen können nicht gespeichert werden, weil ein anderes Programm ihren Platz im Verzeichnis verwendet. Es wurde nichts geändert.
happened-internal = Bei uns ist etwas fehlgeschlagen.
remedy-no-quorum = Warten Sie einen Moment und versuchen Sie es erneut. Bleibt es so, oder ist es dringend, rufen Sie den Helpdesk an und nennen Sie den Code unten.
remedy-unknown-outcome = Prüfen Sie, ob es wirksam geworden ist, bevor Sie es erneut versuchen. Sind Sie nicht sicher, fragen Sie den Helpdesk und nennen Sie den Code und die Nummer der Anfrage unten.
remedy-ticket-used = Beginnen Sie auf der ersten Seite von vorn.
remedy-not-found = Gehen Sie zur Startseite und wählen Sie, was Sie tun möchten.
remedy-bad-input = Gehen Sie zurück, laden Sie die Seite neu und füllen Sie das Formular aus.
remedy-too-large = Gehen Sie zurück und geben Sie weniger ein.
remedy-csrf = Laden Sie die Seite neu und wiederholen Sie den Schritt. Cookies müssen für diese Seite erlaubt sein.
remedy-directory-unreachable = Versuchen Sie es in einigen Minuten erneut. Bleibt es so, nennen Sie dem Helpdesk den Code und die Nummer der Anfrage unten.
remedy-directory-refused = Fragen Sie den Helpdesk und nennen Sie den Code und die Nummer der Anfrage unten.
remedy-locked = Warten Sie, bis die Sperre endet, oder fragen Sie den Helpdesk.
remedy-too-many-requests = Warten Sie einige Minuten.
remedy-session-expired = Beginnen Sie auf der ersten Seite von vorn.
remedy-unauthenticated = Melden Sie sich an.
remedy-forbidden = Bitten Sie einen Administrator um die nötigen Rechte.
lock-ends = Die Sperre endet in { $span }, um { $at }.
span-minutes = { $count ->
    [one] einer Minute
   *[other] { $count } Minuten
}
span-hours = { $count ->
    [one] einer Stunde
   *[other] { $count } Stunden
}
bad-method = Eine solche Anfrage nimmt diese Seite nicht an.
bad-not-a-form = Die Anfrage ist kein Formular.
bad-broken-off = Die Anfrage brach ab.
bad-escape = Das Formular ist fehlerhaft: ein % ohne zwei Ziffern.
bad-utf8 = Das Formular enthält Text, der kein gültiges UTF-8 ist.

## Der Helpdesk

caller-not-verified = Die anrufende Person konnte damit nicht bestätigt werden. Es zählt, als hätte sie selbst geantwortet.
no-password-can-be-made = Es ließ sich kein Kennwort erzeugen, das die Regeln für diesen Benutzer erfüllt. Geben Sie eines ein.
sign-in = Anmelden
sign-in-lead = Verwenden Sie Ihr Konto im Verzeichnis. Ihre Gruppen entscheiden, ob Sie hier arbeiten dürfen.
sign-out = Abmelden
find-user = Benutzer suchen
find-hint = Zum Beispiel jdoe, CORP\jdoe oder jdoe@example.com.
find = Suchen
not-served = Kein Benutzer, dem Sie helfen dürfen, hat diesen Namen.
several = Mehr als ein Benutzer hat diesen Namen. Verwenden Sie DOMÄNE\Name oder den User Principal Name.
not-there = Diesen Benutzer gibt es nicht, oder Sie dürfen ihm nicht helfen.
form-not-whole = Das Formular ist nicht vollständig: Suchen Sie den Benutzer neu.
new-password-made = Das neue Kennwort
new-password-once = Es wird nur jetzt angezeigt: Lesen Sie es dem Benutzer vor, wenn Sie sicher sind, wer es ist. Die Bindestriche gehören dazu.
passcode-made = Der Passcode
passcode-once = Er gilt einmal, bis { $until }, unter „Ich habe einen Passcode“. Er wird nur jetzt angezeigt: Lesen Sie ihn dem Benutzer vor, wenn Sie sicher sind, wer es ist.
caller-verified-until = Sie haben die anrufende Person bestätigt. Das gilt bis { $until }.
caller-verified = Die anrufende Person ist bestätigt.
verify-title = Die anrufende Person bestätigen
verify-cannot = Die Richtlinie „{ $policy }“ verlangt, dass anrufende Personen bestätigt werden, aber dieser Benutzer hat nicht genug der Fragen registriert, nach denen sie fragt. Bis dahin kann hier nichts für ihn getan werden.
verify-locked = Solange die Sperre nach falschen Antworten besteht, kann niemand als dieser Benutzer bestätigt werden.
verify-lead = Lesen Sie der anrufenden Person jede Frage vor und geben Sie ein, was sie sagt. Eine falsche Antwort zählt, als hätte sie sie selbst eingegeben. Groß- und Kleinschreibung und zusätzliche Leerzeichen spielen keine Rolle.
verify = Bestätigen
verify-see = Sie werden die Fragen mit den Antworten sehen und vergleichen, was die anrufende Person sagt. Dass Sie sie gesehen haben, steht im Audit und zählt als Versuch, bis die anrufende Person bestätigt ist.
show-answers = Antworten anzeigen
verify-characters = Fragen Sie die anrufende Person nach diesen Zeichen und geben Sie sie ohne Leerzeichen ein. Leerzeichen der Antwort zählen nicht mit. Eine falsche Antwort zählt, als hätte sie sie selbst eingegeben. Großschreibung spielt keine Rolle.
verify-one-character = Zeichen { $number } der Antwort auf: { $question }
verify-these-characters = Zeichen { $numbers } und { $last } der Antwort auf: { $question }
verify-compare = Fragen Sie die anrufende Person. Lesen Sie keine Antwort vor und sagen Sie nichts darüber, wie nah ihre war.
caller-knows = Die anrufende Person kennt die Antworten
caller-does-not = Sie kennt sie nicht
verify-nothing = Es gibt nichts zu bestätigen: Suchen Sie den Benutzer neu.
verify-first = Bestätigen Sie zuerst die anrufende Person: Suchen Sie den Benutzer neu.
policy-forbids = Die Richtlinie dieses Benutzers erlaubt dem Helpdesk das nicht.
staff-not-helped = Wer die Administration oder den Helpdesk verwenden darf, dem wird dabei hier nicht geholfen.
self-service = Self-Service
fact-questions = Sicherheitsfragen
fact-lock = Sperre
fact-passcode = Passcode
fact-policy = Richtlinie
fact-logon-name = Anmeldename
fact-status = Zustand
fact-object = Objekt
locked-for = Noch gesperrt, Ende in { $span }
locked-until = bis { $at }
not-locked = Nicht gesperrt
attempts-count = { $count ->
    [one] 1 Versuch zählt
   *[other] { $count } Versuche zählen
}
passcode-assigned = Zugeteilt, gültig bis { $until }
lift-lock = Sperre aufheben
no-lock = Es gab keine Sperre aufzuheben.
lock-lifted = Die Sperre ist aufgehoben. Der Benutzer kann die Sicherheitsfragen wieder beantworten.
is-staff = Dieser Benutzer darf die Administration oder den Helpdesk verwenden; sonst wird ihm hier mit nichts geholfen.
passcode-characters = Zeichen
passcode-hours = Gültig (Stunden)
assign-passcode = Passcode zuteilen
no-passcode-task = Keine Aufgabe in der Richtlinie dieses Benutzers nimmt einen Passcode an.
number-between = { $field }: Verwenden Sie eine Zahl von { $least } bis { $most }.
enforce-update = Erneuerung der Fragen verlangen
update-enforced = Der Benutzer muss die Sicherheitsfragen neu wählen, wenn ein vergessenes Kennwort zurückgesetzt wird.
account = Konto
account-fine = Nichts steht im Wege
account-locked = Von der Domäne gesperrt
account-disabled = Deaktiviert
account-expired = Abgelaufen
account-must-change = Kennwort muss geändert werden
unlock-account = Konto entsperren
account-unlocked = Das Konto ist entsperrt.
enable-account = Konto aktivieren
account-enabled = Das Konto ist aktiviert.
force-change = Kennwortänderung bei der nächsten Anmeldung verlangen
change-forced = Der Benutzer muss das Kennwort bei der nächsten Anmeldung ändern.
not-registered = Nicht registriert
not-registered-foreign = Nicht registriert: Das Attribut enthält etwas anderes
not-registered-rewritten = Nicht registriert: Das Profil dort ist nicht das zuletzt geschriebene, jemand anderes hat es hineingesetzt
registered = Registriert
registered-outdated = Registriert, beim Zurücksetzen eines Kennworts zu erneuern
registered-not-enough = Registriert, erfüllt aber die Richtlinie nicht mehr
user-not-registered = Dieser Benutzer ist nicht registriert.
reset-title = Kennwort zurücksetzen
reset-made = Eines erzeugen und einmal anzeigen
reset-typed = Dieses verwenden
reset-must-change = Der Benutzer wird es bei der nächsten Anmeldung ändern müssen.
reset-may-change = Der Benutzer muss es bei der nächsten Anmeldung ändern
set-the-new-password = Das neue Kennwort setzen
reset-done = Das neue Kennwort ist gesetzt.
reset-done-must-change = Das neue Kennwort ist gesetzt. Der Benutzer muss es bei der nächsten Anmeldung ändern.
reset-unknown = Die Domäne hat nicht geantwortet: Dieses Kennwort kann gesetzt sein oder nicht. Probieren Sie es aus oder setzen Sie ein anderes.
events = Letzte Ereignisse
events-none = Keine.
events-table = Tabelle
event-when = Wann
event-who = Wer
event-what = Was

## Womit ein neuer Realm beginnt, solange es niemand anders sagt

usual-forgot = Mein Kennwort vergessen
usual-forgot-about = Beantworten Sie Ihre Sicherheitsfragen und wählen Sie ein neues Kennwort.
usual-unlock = Mein Konto entsperren
usual-unlock-about = Beantworten Sie Ihre Sicherheitsfragen und entsperren Sie Ihr Konto. Ihr Kennwort bleibt.
usual-change = Meine Kennwörter verwalten
usual-change-about = Ändern Sie ein Kennwort, das Sie noch wissen.
usual-register = Registrieren
usual-register-about = Wählen Sie Sicherheitsfragen, damit Sie sich später selbst helfen können.
usual-profile = Mein Profil verwalten
usual-profile-about = Ändern Sie Ihre Sicherheitsfragen und Antworten.
usual-passcode = Ich habe einen Passcode
usual-passcode-about = Verwenden Sie den Passcode vom Helpdesk und wählen Sie neue Sicherheitsfragen.
usual-notifications = Meine Benachrichtigungen
usual-notifications-about = Wählen Sie, worüber Sie per E-Mail benachrichtigt werden.
usual-question-school = Wie hieß Ihre erste Schule?
usual-question-town = In welcher Stadt haben sich Ihre Eltern kennengelernt?
usual-question-pet = Wie hieß Ihr erstes Haustier?
usual-question-film = Welchen Film haben Sie als ersten im Kino gesehen?
usual-question-cousin = Wie lautet der zweite Vorname Ihres ältesten Cousins oder Ihrer ältesten Cousine?
usual-question-street = In welcher Straße haben Sie mit zehn Jahren gewohnt?
