// Drag and drop in the workflow designer. A drop presses the button that the page has for it, so that the server does
// everything, as it does for who uses the buttons.

const form = document.getElementById("design");
const list = form.querySelector("[data-items]");
const button = form.querySelector("[data-drop]");
const mark = document.createElement("li");
mark.className = "mark-place";
mark.setAttribute("aria-hidden", "true");
let dragged = null;

const items = () => [...list.querySelectorAll("[data-item]")];

// Where it would land: before the first item whose middle is below the pointer.
function place(y) {
  const below = items().findIndex((item) => {
    const { top, height } = item.getBoundingClientRect();
    return y < top + height / 2;
  });
  return below < 0 ? items().length : below;
}

function press(value) {
  button.value = value;
  form.requestSubmit(button);
}

function lift(handle, whole, value) {
  handle.draggable = true;
  handle.addEventListener("dragstart", (event) => {
    dragged = value;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(whole, 16, 16);
    whole.classList.add("lifted");
  });
  handle.addEventListener("dragend", () => {
    dragged = null;
    mark.remove();
    whole.classList.remove("lifted");
  });
}

for (const offer of form.querySelectorAll("[data-offer]")) lift(offer, offer, { add: offer.dataset.offer });
for (const item of items()) lift(item.querySelector(".grip"), item, { from: Number(item.dataset.item) });

const target = list.closest(".steps");
target.addEventListener("dragover", (event) => {
  if (!dragged) return;
  event.preventDefault();
  list.insertBefore(mark, items()[place(event.clientY)] ?? null);
});
target.addEventListener("dragleave", (event) => {
  if (!target.contains(event.relatedTarget)) mark.remove();
});
target.addEventListener("drop", (event) => {
  if (!dragged) return;
  event.preventDefault();
  const to = place(event.clientY);
  const { add, from } = dragged;
  if (add) press(`add.${add}.${to}`);
  else if (to !== from && to !== from + 1) press(`move.${from}.${to > from ? to - 1 : to}`);
});
