(() => {
  "use strict";
  const seconds = 15;
  const refresh = async () => {
    if (document.hidden) return;
    const lost = document.getElementById("lost");
    try {
      const answer = await fetch(location.pathname, {cache: "no-cache", signal: AbortSignal.timeout(10000)});
      if (!answer.ok) throw new Error(answer.status);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const before = document.querySelector("main"), after = fresh.querySelector("main");
      if (before.innerHTML !== after.innerHTML) {
        const focused = document.activeElement.closest("details[id]");
        const details = [...before.querySelectorAll("details")].map((one) => [one.id, one.open]);
        const said = document.getElementById("sentence").textContent;
        before.replaceWith(after);
        details.forEach(([id, open]) => { const one = document.getElementById(id); if (one) one.open = open; });
        if (focused) document.querySelector("#" + focused.id + " summary")?.focus({preventScroll: true});
        const says = document.getElementById("sentence").textContent;
        if (says !== said) document.getElementById("live").textContent = says;
        document.title = fresh.title;
      }
      lost.hidden = true;
    } catch {
      lost.hidden = false;
    }
  };
  setInterval(refresh, seconds * 1000);
  document.addEventListener("visibilitychange", refresh);
})();
