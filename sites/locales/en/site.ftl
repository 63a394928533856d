# The texts of the Self-Service and Helpdesk sites. English is the source: every other catalogue translates this one.
# What stands in { } is put in; a catalogue may leave it out, but can name nothing else.

language-name = English

## On every page

skip = Skip to the content
language = Language
site-self-service = Self-Service
site-helpdesk = Helpdesk
signed-in-as = Signed in as { $name }
served-by = Served by { $node }
show = Show
hide = Hide
continue = Continue
cancel = Cancel
save = Save
to-start = Go to the start page
try-again = Try again
please-check = Please check this
code = Code
request = Request

## The start page, and the user name

home-title = What would you like to do?
home-lead = Help yourself with your password and your account. It takes a minute or two.
home-nothing = No task is offered here yet. An administrator has to set this service up first.
your-user-name = Your user name
your-user-name-hint = As you type it at your computer, such as jdoe or CORP\jdoe, or your mail address.

## The bar that shows where one is in a task

steps = Steps of this task
part-user-name = User name
part-password = Password
part-questions = Questions
part-passcode = Passcode
part-new-password = New password
part-unlock = Unlock
part-enable = Enable
part-agreement = Agreement
part-captcha = Security check
part-methods = Verification
part-mail-code = Code
part-notifications = Notifications
part-done = Done

## The steps

for-user = For
questions-title = Answer your security questions
answers-hint = Capital letters and extra spaces do not matter.
password-title = Enter your password
password-lead = The password that you use at your computer now.
profile-title = Choose your security questions
profile-lead = If you ever forget your password, these answers prove who you are. Choose answers that you will remember and that others cannot find out.
choose-a-question = Choose a question
please-choose = Please choose
own-question = Write a question of your own
your-answer = Your answer
answer-length = An answer has at least { $count } characters.
answer-is-kept = The helpdesk may see this answer, to make sure that it is you who calls.
new-password-title = Choose a new password
set-new-password = Set new password
unlock-title = Unlock your account
unlock-lead = We will unlock your account now. Your password stays as it is.
unlock-my-account = Unlock my account
enable-title = Enable your account
enable-lead = We will enable your account now. Your password stays as it is.
enable-my-account = Enable my account
passcode = Passcode
passcode-title = Enter your passcode
passcode-lead = The helpdesk gave it to you. It can be used once; capital letters, spaces and hyphens do not matter.
agreement-title = Please read and accept
accept = I have read this and accept it
captcha-title = A short check
captcha-lead = It keeps programs from trying many names. You need no eyes or ears for it, and nobody else learns of it.
captcha-works = Your browser is calculating. This takes a few seconds.
captcha-done = Your browser has done its part. Go on.
captcha-sum = What is { $one } plus { $other }?
captcha-type = Type the number.
captcha-pause = { $count ->
    [one] It is taken from 1 second after this page came.
   *[other] It is taken from { $count } seconds after this page came.
}
captcha-instead = Answer a question instead
methods-title = How do you want to prove who you are?
methods-lead = Choose what is easiest for you. Wrong attempts count together, whichever way you take.
methods = Ways
method-questions = Answer my security questions
method-password = Type my current password
method-mail-code = Get a code by mail
choose-another-way = Choose another way
mail-code-title = Get a code by mail
mail-code-to = We will send a code to
mail-at-hand = Have your mail at hand.
mail-code-sent-title = Enter the code from your mail
mail-code-sent-to = If we have an address of yours, a mail is on its way to
code-digits = { $count ->
    [one] A code has 1 digit.
   *[other] A code has { $count } digits.
}
code-life = { $count ->
    [one] The code is good for 1 minute, in this browser.
   *[other] The code is good for { $count } minutes, in this browser.
}
send-code = Send the code
send-another-code = Send another code
notifications-title = Choose what you are told of
notifications-lead = By mail, to the address that your organisation has of you.
notifications-when = Tell me when
notifications-always = You are always told of these, if your organisation tells people at all:
notification-password = My password was changed
notification-account = My account was unlocked or enabled
notification-questions = My security questions were changed
notification-other = Another task was done
notification-failure = A task failed
notification-helpdesk = The helpdesk did something for me

## Labels of fields, before what is wrong with them

label-user-name = User name
label-password = Password
label-current-password = Current password
label-new-password = New password
label-new-password-again = New password again
label-answer = Answer { $number }
label-question = Question { $number }
label-sum = Answer

## The rules for a new password

rule-min = At least { $count } characters
rule-max = At most { $count } characters
rule-kinds = At least { $count } of these: capital letters, small letters, digits, other characters
rule-names = Neither your name nor your user name in it
rule-names-of-user = Neither the name nor the user name of this user in it
rule-same = Both entries are the same

## The end of a task

done-title-questions = Your security questions are saved
done-title-password = Your password is changed
done-title-unlock = Your account is unlocked
done-title-notifications = Your choice is saved
done-title-custom = Done
done-questions = From now on you can use them when you forget your password or your account is locked.
done-password = Use the new password from now on. Devices that keep the old one, such as your phone's mail, will ask for it; for up to an hour the old one may still be accepted in some places.
done-unlock = You can sign in again with the password you have.
done-notifications = From now on you get the mails that you chose.
done-custom = Everything that you asked for is done.
close-to-logon = Close this window to go back to the logon screen.
close-window = For your safety, close this window on a shared computer.
unknown-outcome = Your request was sent to your organisation's directory, but no answer came. It may have taken effect, or not.
unknown-password = Try to sign in with the new password first. If it is not accepted, the old state still holds: start this task again.
unknown-unlock = Try to sign in with your password. If your account is still locked, start this task again.
unknown-other = Wait two minutes, then start this task again to be sure.

## What is wrong with what was entered

not-a-passcode = This is not a passcode: a passcode has { $least } to { $most } letters and digits.
attempts-left = { $wrong } { $count ->
    [one] You have 1 attempt left.
   *[other] You have { $count } attempts left.
}
wrong-answers = We could not verify you with these answers.
wrong-answer = This answer is not right.
wrong-passcode = This passcode is not right, was used already, or is out of date.
check-over = This check is out of date. Here is a new one.
check-wrong = This is not right. Here is another question.
check-not-done = Your browser has not done its part, and no answer was typed. Answer the question to go on.
too-early = { $count ->
    [one] That was quicker than a person types. Send it again in 1 second.
   *[other] That was quicker than a person types. Send it again in { $count } seconds.
}
wrong-code = This code is not right, was used already, or is out of date.
no-code-sent = No code was sent yet. Have one sent first.
too-many-codes = A code was sent a moment ago, or several within an hour. You can have another one in { $span }.
choose-method = Choose one of these.
accept-first = Accept the text above to go on.
wrong-password = The user name or password is not right, or this account cannot sign in at the moment.
field-empty = Fill in this field.
field-too-long = This is longer than allowed (256 characters).
field-control = This holds a character that cannot be used here.
name-invalid = Enter your user name, such as jdoe, CORP\jdoe or jdoe@example.com.
confirmation-differs = The two new passwords are not the same.
same-as-current = The new password is the same as the current one.
domain-refuses-password = Your organisation does not accept this password. It may be too short, too simple, used before, or changed too recently. Choose another one.
choose-question = Choose a question from the list.
question-unknown = This question is not on the list any more.
question-twice = You have chosen this question twice.
question-length = Write a question of { $min } to 300 characters.
answer-too-short = Use at least { $min } characters.
answer-twice = You have given this answer to another question.
answer-in-question = The question already holds this answer.
question-unanswered = The question “{ $question }” must be answered.
optional-count = Choose { $wanted } of the optional questions.
own-count = Write { $wanted } questions of your own.
password-too-short = Use at least { $min } characters.
password-too-long = Use at most { $max } characters.
password-kinds = Mix at least { $kinds } of: capital letters, small letters, digits, other characters.
password-holds-name = Leave out your name and your logon name.

## A failure: its heading, what happened, and what the visitor can do

title-no-quorum = Not available at the moment
title-unknown-outcome = We do not know the outcome
title-locked = Locked for a while
title-ticket-used = Already done
title-not-found = Page not found
title-too-large = Too much text
title-bad-input = Request not understood
title-unauthenticated = Please sign in
title-forbidden = Not allowed
title-csrf = Please repeat this step
title-session-expired = Please start again
title-stale-revision = Changed meanwhile
title-other = Something went wrong
node-holds-no-key = This server has not received the keys it needs yet, so it cannot serve you. Nothing was changed.
not-this-node = This node only reads what you want to change. Nothing was changed. Do it on one of these: { $nodes }
name-the-domain = One of your organisation's directories cannot be reached at the moment. Nothing was changed. If your account is in another one, type its domain before your name, such as CORP\jdoe.
source-is-full = Too many requests from your network address are being answered at the moment. Try again in a few seconds.
task-not-offered = This task is not offered here.
task-changed = An administrator changed the settings of this task while you were at it. This step was not done.
step-not-done = This step could not be done at the moment. What you did in the steps before it stands.
profile-changed = Your security questions were changed somewhere else at the same time, so this change was not saved.
attempt-unsure = We could not confirm that your attempt was recorded, so it was not checked. It may count as one attempt.
ticket-unsure = We could not confirm that this step was recorded, so it was not done. Wait two minutes before you try again.
happened-no-quorum = The service cannot confirm changes at the moment, because most of its servers cannot be reached. Nothing was changed and nothing is lost.
happened-no-voter = The service cannot be reached at the moment. Nothing was changed and nothing is lost.
happened-busy = Too many people use the service at this moment. Nothing was changed.
happened-unknown-outcome = Your request was sent, but no answer came. We do not know whether it took effect.
happened-locked = There were too many attempts, so this service is locked for this user for a while.
happened-too-many-requests = Too many attempts came from your network address.
happened-ticket-used = This step was taken already, or another change for the same user is under way. It was not done again.
happened-not-found = There is no such page here.
happened-bad-input = The request cannot be understood.
happened-too-large = You sent more than this page accepts.
happened-unauthenticated = You are not signed in.
happened-forbidden = You are not allowed to do this.
happened-csrf = This form does not belong to your present visit, so nothing was done. It may have been open for too long, or cookies are turned off.
happened-session-expired = Your time for this task is over, or the task was not started in this browser.
happened-directory-unreachable = Your organisation's directory cannot be reached at the moment. Nothing was changed.
happened-directory-refused = Your organisation's directory refused the request. Nothing was changed.
happened-foreign-value = Your security questions cannot be saved, because another program uses their place in the directory. Nothing was changed.
happened-internal = Something failed on our side.
remedy-no-quorum = Wait a moment and try again. If it stays so, or if it is urgent, call the helpdesk and tell them the code below.
remedy-unknown-outcome = Check whether it took effect before you try again. If you are not sure, ask the helpdesk and tell them the code and the request number below.
remedy-ticket-used = Start again from the first page.
remedy-not-found = Go to the start page and choose what you want to do.
remedy-bad-input = Go back, load the page again and fill in the form.
remedy-too-large = Go back and enter less.
remedy-csrf = Load the page again and repeat the step. Cookies must be allowed for this site.
remedy-directory-unreachable = Try again in a few minutes. If it stays so, tell the helpdesk the code and the request number below.
remedy-directory-refused = Ask the helpdesk and tell them the code and the request number below.
remedy-locked = Wait until the lock ends, or ask the helpdesk.
remedy-too-many-requests = Wait a few minutes.
remedy-session-expired = Start again from the first page.
remedy-unauthenticated = Sign in.
remedy-forbidden = Ask an administrator for the right role or scope.
lock-ends = The lock ends in { $span }, at { $at }.
span-minutes = { $count ->
    [one] 1 minute
   *[other] { $count } minutes
}
span-hours = { $count ->
    [one] 1 hour
   *[other] { $count } hours
}
bad-method = This page does not take such a request.
bad-not-a-form = The request is not a form.
bad-broken-off = The request broke off.
bad-escape = The form is malformed: a % without two digits.
bad-utf8 = The form holds text that is not valid UTF-8.

## The Helpdesk

caller-not-verified = The caller could not be verified with this. It counts as if they had answered themselves.
no-password-can-be-made = No password could be made that meets the rules for this user. Type one.
sign-in = Sign in
sign-in-lead = Use your directory account. Your group memberships decide whether you may work here.
sign-out = Sign out
find-user = Find a user
find-hint = Such as jdoe, CORP\jdoe or jdoe@example.com.
find = Find
not-served = No user whom you may help has this name.
several = More than one user has this name. Use DOMAIN\name or the user principal name.
not-there = This user is not there, or not one whom you may help.
form-not-whole = The form is not whole: find the user anew.
new-password-made = The new password
new-password-once = It is shown only now: read it to the user when you are sure who they are. The hyphens belong to it.
passcode-made = The passcode
passcode-once = It can be used once, until { $until }, under “I Have a Passcode”. It is shown only now: read it to the user when you are sure who they are.
caller-verified-until = You have verified the caller. This holds until { $until }.
caller-verified = The caller is verified.
verify-title = Verify the caller
verify-cannot = The policy “{ $policy }” wants callers verified, but this user has not registered enough of the questions that it asks for. Nothing can be done for them here until they have.
verify-locked = Nobody can be verified as this user while the lock holds that wrong answers have set.
verify-lead = Read each question to the caller and type what they say. A wrong answer counts as if they had typed it themselves. Capital letters and extra spaces do not matter.
verify = Verify
verify-see = You will see the questions with their answers, and compare what the caller says. That you saw them is in the audit, and counts as an attempt until the caller is verified.
show-answers = Show the answers
verify-characters = Ask the caller for these characters and type them without spaces. Spaces of the answer are not counted. A wrong answer counts as if they had typed it themselves. Capital letters do not matter.
verify-one-character = Character { $number } of the answer to: { $question }
verify-these-characters = Characters { $numbers } and { $last } of the answer to: { $question }
verify-compare = Ask the caller. Do not read an answer out, and say nothing of how near theirs was.
caller-knows = The caller knows the answers
caller-does-not = The caller does not
verify-nothing = There is nothing to verify: find the user anew.
verify-first = Verify the caller first: find the user anew.
policy-forbids = The policy of this user does not let the helpdesk do that.
staff-not-helped = Whoever may use the Admin or the Helpdesk site is not helped with that here.
self-service = Self-service
fact-questions = Security questions
fact-lock = Lock
fact-passcode = Passcode
fact-policy = Policy
fact-logon-name = Logon name
fact-status = Status
fact-object = Object
locked-for = Locked for { $span }
locked-until = until { $at }
not-locked = Not locked
attempts-count = { $count ->
    [one] 1 attempt counts
   *[other] { $count } attempts count
}
passcode-assigned = Assigned, good until { $until }
lift-lock = Lift the lock
no-lock = There was no lock to lift.
lock-lifted = The lock is lifted. The user can answer the security questions again.
is-staff = This user may use the Admin or the Helpdesk site, and is helped with nothing else here.
passcode-characters = Characters
passcode-hours = Good for (hours)
assign-passcode = Assign a passcode
no-passcode-task = No task of this user's policy takes a passcode.
number-between = { $field }: use a number from { $least } to { $most }.
enforce-update = Enforce an update of the questions
update-enforced = The user has to choose the security questions anew when a forgotten password is reset.
account = Account
account-fine = Nothing stands in the way
account-locked = Locked by the domain
account-disabled = Disabled
account-expired = Expired
account-must-change = Password must be changed
unlock-account = Unlock the account
account-unlocked = The account is unlocked.
enable-account = Enable the account
account-enabled = The account is enabled.
force-change = Force a password change at next logon
change-forced = The user has to change the password at the next logon.
not-registered = Not registered
not-registered-foreign = Not registered: the attribute holds something else
not-registered-rewritten = Not registered: the profile there is not the one written last, another hand put it there
registered = Registered
registered-outdated = Registered, to be updated when a password is reset
registered-not-enough = Registered, but no longer meets the policy
user-not-registered = This user is not registered.
reset-title = Reset the password
reset-made = Make one, and show it once
reset-typed = Take this one
reset-must-change = The user will have to change it at the next logon.
reset-may-change = The user has to change it at the next logon
set-the-new-password = Set the new password
reset-done = The new password is set.
reset-done-must-change = The new password is set. The user has to change it at the next logon.
reset-unknown = The domain did not answer: this password may be set, or not. Try it, or set another.
events = Latest events
events-none = None.
events-table = Table
event-when = When
event-who = Who
event-what = What

## What a new realm begins with, as long as nobody says it otherwise

usual-forgot = Forgot My Password
usual-forgot-about = Answer your security questions and choose a new password.
usual-unlock = Unlock My Account
usual-unlock-about = Answer your security questions and unlock your account. Your password stays.
usual-change = Manage My Passwords
usual-change-about = Change a password that you still know.
usual-register = Register
usual-register-about = Choose security questions, so that you can help yourself later.
usual-profile = Manage My Profile
usual-profile-about = Change your security questions and answers.
usual-passcode = I Have a Passcode
usual-passcode-about = Use the passcode that the helpdesk gave you, and choose new security questions.
usual-notifications = My Notifications
usual-notifications-about = Choose what you are told of by mail.
usual-question-school = What was the name of your first school?
usual-question-town = In which town did your parents meet?
usual-question-pet = What was the name of your first pet?
usual-question-film = What was the first film you saw in a cinema?
usual-question-cousin = What is the middle name of your oldest cousin?
usual-question-street = Which street did you live in when you were ten?
