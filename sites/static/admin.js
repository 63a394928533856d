// Keeps the cluster page fresh: puts the server's own fragment in place of the old one, but not under the hands of who is
// in it with the keyboard. Without scripts the page reloads itself.

const PAUSE = 2000;

async function refresh(region) {
  try {
    const answer = await fetch(region.dataset.refresh, { headers: { accept: "text/html" } });
    if (answer.redirected) {
      location.reload();
      return;
    }
    if (answer.ok && !region.contains(document.activeElement)) {
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      region.replaceChildren(...fresh.body.children);
    }
    region.classList.toggle("stale", !answer.ok);
  } catch {
    region.classList.add("stale");
  }
  setTimeout(refresh, PAUSE, region);
}

for (const region of document.querySelectorAll("[data-refresh]")) setTimeout(refresh, PAUSE, region);
