// Comfort on top of pages that work without it: show what is typed, follow the password rules, guard against a
// second submit. Nothing typed leaves the page except by the form itself.

const kinds = [/\p{Lu}/u, /\p{Ll}/u, /\p{N}/u, /[^\p{L}\p{N}]/u];

const checks = {
  min: (text, rule) => [...text].length >= Number(rule),
  max: (text, rule) => text !== "" && [...text].length <= Number(rule),
  kinds: (text, rule) => kinds.filter((kind) => kind.test(text)).length >= Number(rule),
  names: (text, rule) => text !== "" && !rule.split("\n").some((name) => name && text.toLowerCase().includes(name)),
};

const words = document.getElementById("main").dataset;

// `shown` says how the field begins; a masked field's own text shows while the button offers to hide it.
function addReveal(input, shown) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet reveal";
  const show = (shown) => {
    input.type = shown ? "text" : "password";
    button.textContent = shown ? words.hide : words.show;
    const label = document.querySelector(`label[for="${CSS.escape(input.id)}"]`)?.textContent ?? "";
    button.setAttribute("aria-label", `${button.textContent}: ${label}`);
  };
  show(shown);
  button.addEventListener("click", () => show(input.type === "password"));
  input.form?.addEventListener("submit", () => show(false));
  const row = document.createElement("div");
  row.className = "secret";
  input.replaceWith(row);
  row.append(input, button);
}

function followRules(list) {
  const input = document.getElementById(list.dataset.rules);
  const confirm = document.getElementById(list.dataset.confirm);
  const update = () => {
    for (const item of list.children) {
      const { rule, value } = item.dataset;
      const met = rule === "same" ? input.value !== "" && confirm.value === input.value : checks[rule]?.(input.value, value);
      item.classList.toggle("met", Boolean(met));
    }
  };
  input?.addEventListener("input", update);
  confirm?.addEventListener("input", update);
}

for (const input of document.querySelectorAll("[data-masks]")) addReveal(input, true);
for (const input of document.querySelectorAll("input[type=password]")) {
  if (!input.closest(".secret")) addReveal(input, false);
}
for (const list of document.querySelectorAll("[data-rules]")) followRules(list);
for (const item of document.querySelectorAll("[data-script-only]")) item.hidden = false;
document.querySelector("[data-focus]")?.focus();

for (const form of document.querySelectorAll("form[method=post]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}
