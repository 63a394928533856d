//! axe-core in the page that is open: what automated checks find against WCAG 2.2, levels A and AA.

use serde_json::Value;

use super::RigError;
use super::browser::Browser;
use super::webdriver::field;

/// As its makers publish it; see the licence beside it.
const AXE: &str = include_str!("../../vendor/axe-core/axe.min.js");

const RUN: &str = "
const done = arguments[arguments.length - 1];
const values = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
axe.run(document, { runOnly: { type: 'tag', values }, resultTypes: ['violations'], preload: false }).then(
  (found) => done({ passes: found.passes.length, violations: found.violations.map((violation) => ({
    rule: violation.id,
    impact: String(violation.impact),
    help: violation.help,
    where: violation.nodes.map((node) => node.target.join(' ') + ': ' + node.html.slice(0, 160)).join(' | '),
  })) }),
  (error) => done({ passes: 0, violations: [{ rule: 'axe', impact: 'failed', help: String(error), where: '' }] }));
";

/// Looks at the page, and tells each rule that it breaks, with its weight and the places.
///
/// # Errors
/// [`RigError::Browser`] when the script does not run, [`RigError::Contract`] when no rule was applied at all.
pub async fn violations(browser: &Browser) -> Result<Vec<String>, RigError> {
    browser.execute(AXE).await?;
    let found = browser.execute_async(RUN).await?;
    let violations = found.get("violations").and_then(Value::as_array);
    let passes = found.get("passes").and_then(Value::as_u64);
    let Some(violations) = violations.filter(|violations| passes > Some(0) || !violations.is_empty()) else {
        return Err(RigError::Contract { who: "axe", answer: "it looked at nothing".to_owned() });
    };
    let told = |violation: &Value| {
        let [impact, rule, help, place] =
            ["impact", "rule", "help", "where"].map(|name| field(violation, name));
        Ok(format!("{} ({}): {}; {}", rule?, impact?, help?, place?))
    };
    violations.iter().map(told).collect()
}
