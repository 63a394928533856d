//! The texts in Arabic.

use crate::mail::{Language, MailTemplate};

pub(super) fn language() -> Language {
    // A plain tag is one.
    "ar".parse().unwrap_or_default()
}

pub(super) fn text(template: MailTemplate) -> (&'static str, &'static str) {
    match template {
        MailTemplate::PasswordReset => (
            "تمت إعادة تعيين كلمة المرور",
            "السلام عليكم {user_name}،

أُعيد تعيين كلمة مرور حسابك {account} في {time} من خلال «{task}».

إذا كنت أنت من فعل ذلك، فلا يلزمك شيء آخر. وإلا فأبلغ مكتب المساعدة فورًا: ربما أجاب شخص آخر عن أسئلة الأمان الخاصة بك.

{organisation}
{site}
",
        ),
        MailTemplate::PasswordChanged => (
            "تم تغيير كلمة المرور",
            "السلام عليكم {user_name}،

غُيّرت كلمة مرور حسابك {account} في {time}.

إذا كنت أنت من فعل ذلك، فلا يلزمك شيء آخر. وإلا فأبلغ مكتب المساعدة فورًا: شخص آخر يعرف كلمة مرورك.

{organisation}
{site}
",
        ),
        MailTemplate::AccountUnlocked => (
            "تم إلغاء قفل حسابك",
            "السلام عليكم {user_name}،

أُلغي قفل حسابك {account} في {time}. وبقيت كلمة المرور كما كانت.

إذا لم تكن أنت من فعل ذلك، فأبلغ مكتب المساعدة فورًا: ربما أجاب شخص آخر عن أسئلة الأمان الخاصة بك.

{organisation}
{site}
",
        ),
        MailTemplate::Registered => (
            "أنت مسجّل في الخدمة الذاتية",
            "السلام عليكم {user_name}،

سُجّلت أسئلة الأمان لحسابك {account} في {time}. يمكنك بإجاباتك إعادة تعيين كلمة المرور وإلغاء قفل حسابك بنفسك.

إذا لم تكن أنت من فعل ذلك، فأبلغ مكتب المساعدة فورًا.

{organisation}
{site}
",
        ),
        MailTemplate::ProfileChanged => (
            "تم تغيير أسئلة الأمان",
            "السلام عليكم {user_name}،

غُيّرت أسئلة الأمان لحسابك {account} في {time}.

إذا كنت أنت من فعل ذلك، فلا يلزمك شيء آخر. وإلا فأبلغ مكتب المساعدة فورًا: من يعرف الإجابات يمكنه إعادة تعيين كلمة مرورك.

{organisation}
{site}
",
        ),
        MailTemplate::TaskDone => (
            "تم: {task}",
            "السلام عليكم {user_name}،

نُفّذت «{task}» لحسابك {account} في {time}.

إذا لم تكن أنت من فعل ذلك، فأبلغ مكتب المساعدة فورًا.

{organisation}
{site}
",
        ),
        MailTemplate::TaskFailed => (
            "لم يتم: {task}",
            "السلام عليكم {user_name}،

لم تكتمل «{task}» لحسابك {account} في {time} ({reason}).

يمكنك المحاولة مرة أخرى. إذا لم تنجح ثانيةً، فاسأل مكتب المساعدة واذكر الرمز الموجود بين القوسين. وإذا لم تكن أنت من فعل ذلك، فأبلغ مكتب المساعدة فورًا.

{organisation}
{site}
",
        ),
        MailTemplate::LockLifted => (
            "رفع مكتب المساعدة قفل الخدمة الذاتية عنك",
            "السلام عليكم {user_name}،

كانت الخدمة الذاتية لحسابك {account} مقفلة بعد إجابات خاطئة كثيرة. رفع مكتب المساعدة هذا القفل في {time}، ويمكنك الآن الإجابة عن أسئلة الأمان مرة أخرى.

إذا لم تطلب ذلك، فأبلغ مكتب المساعدة فورًا.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskReset => (
            "أعاد مكتب المساعدة تعيين كلمة مرورك",
            "السلام عليكم {user_name}،

عيّن مكتب المساعدة كلمة مرور جديدة لحسابك {account} في {time}. لم تعد كلمة المرور القديمة صالحة.

إذا لم تطلب ذلك، فأبلغ مكتب المساعدة فورًا: ربما اتصل شخص آخر باسمك.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskUnlocked => (
            "ألغى مكتب المساعدة قفل حسابك",
            "السلام عليكم {user_name}،

ألغى مكتب المساعدة قفل حسابك {account} في {time}. وبقيت كلمة المرور كما كانت.

إذا لم تطلب ذلك، فأبلغ مكتب المساعدة فورًا.

{organisation}
{site}
",
        ),
        MailTemplate::HelpdeskEnabled => (
            "فعّل مكتب المساعدة حسابك",
            "السلام عليكم {user_name}،

فعّل مكتب المساعدة حسابك {account} في {time}. وبقيت كلمة المرور كما كانت.

إذا لم تطلب ذلك، فأبلغ مكتب المساعدة فورًا.

{organisation}
{site}
",
        ),
        MailTemplate::MustChangePassword => (
            "يجب عليك تغيير كلمة المرور",
            "السلام عليكم {user_name}،

قرر مكتب المساعدة في {time} أنه يجب تغيير كلمة مرور حسابك {account}: ستُطلب منك كلمة جديدة عند تسجيل الدخول التالي.

إذا كنت لا تعرف السبب، فاسأل مكتب المساعدة.

{organisation}
{site}
",
        ),
        MailTemplate::MustUpdateProfile => (
            "يُرجى اختيار أسئلة الأمان من جديد",
            "السلام عليكم {user_name}،

قرر مكتب المساعدة في {time} أنه يجب اختيار أسئلة الأمان لحسابك {account} من جديد. سيُطلب منك ذلك عند استخدامك التالي لهذا الموقع.

إذا كنت لا تعرف السبب، فاسأل مكتب المساعدة.

{organisation}
{site}
",
        ),
        MailTemplate::PasscodeAssigned => (
            "خصّص لك مكتب المساعدة رمز دخول",
            "السلام عليكم {user_name}،

خصّص مكتب المساعدة رمز دخول لحسابك {account} في {time}. يمكن به اختيار أسئلة أمان جديدة مرة واحدة. لا يُرسل الرمز نفسه في أي بريد: يقرؤه عليك مكتب المساعدة.

إذا لم تطلب ذلك، فأبلغ مكتب المساعدة فورًا: ربما اتصل شخص آخر باسمك.

{organisation}
{site}
",
        ),
        MailTemplate::OneTimeCode => (
            "رمزك من أجل {task}",
            "السلام عليكم {user_name}،

رمزك هو {code}.

اكتبه في الصفحة التي طلبته. يمكن استخدامه مرة واحدة ولمدة قصيرة. لا تعطه لأحد: لن يطلبه منك مكتب المساعدة أبدًا.

إذا لم تطلب رمزًا، فقد حاول شخص آخر استخدام حسابك {account}. أبلغ مكتب المساعدة.

{organisation}
{site}
",
        ),
        MailTemplate::AdministratorDone => (
            "الخدمة الذاتية: {task}، تمت للحساب {account}",
            "نُفّذت «{task}» للمستخدم {user_name} ({account}) في {time}.

{organisation}
{site}
",
        ),
        MailTemplate::AdministratorFailed => (
            "الخدمة الذاتية: {task}، لم تتم للحساب {account}",
            "لم تتم «{task}» للمستخدم {user_name} ({account}) في {time}: {reason}.

تجد المزيد في سجل التدقيق في موقع الإدارة.

{organisation}
{site}
",
        ),
        MailTemplate::Test => (
            "بريد تجريبي من {organisation}",
            "هذا اختبار لخوادم البريد في {organisation}. أُرسل في {time}.

من يقرأ هذا يعرف أنها تعمل. لا يلزم فعل شيء.

{site}
",
        ),
    }
}
