// A page of another origin. Its fragment says what it tries, [["a form", "http://…"], …]; `tried` settles when it has.
const body = '{"passphrase":"theirs","model":"distilgpt2","prompt":"theirs"}';

/** https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#text/plain-encoding-algorithm */
function sendForm(name, action) {
  const form = document.createElement("form");
  Object.assign(form, { method: "post", enctype: "text/plain", action, target: name });
  const input = document.createElement("input");
  input.name = body.replace("}", ',"rest":"');
  input.value = '"}';
  form.append(input);
  document.body.append(form);
  form.submit();
}

const redirected = (target) => `/redirect?${new URLSearchParams({ to: target })}`;

function add(name, properties) {
  const element = document.createElement(name);
  const settled = new Promise((resolve) => {
    element.onload = resolve;
    element.onerror = resolve;
  });
  document.body.append(Object.assign(element, properties));
  return settled;
}

const addFrame = (name) => add("iframe", { name, src: "about:blank" });

const ways = {
  "a form": (target) => sendForm("_top", target),
  "a form that a server redirects": (target) => sendForm("_top", redirected(target)),
  "a form in a window": (target) => sendForm("_blank", target),
  "a form in a frame": (target) => addFrame("first").then(() => sendForm("first", target)),
  "a redirected form in a frame": (target) => addFrame("second").then(() => sendForm("second", redirected(target))),
  "a link": (target) => Object.assign(document.createElement("a"), { href: target }).click(),
  "a window": (target) => void open(target),
  "a frame": (target) => void add("iframe", { src: target }), // Firefox tells of no end if it is refused
  "speculation rules"(target) {
    const rules = { prefetch: [{ urls: [target] }], prerender: [{ urls: [target] }] };
    void add("script", { type: "speculationrules", textContent: JSON.stringify(rules) });
  },
  // None of these gets to a service worker that is another origin's.
  async "all else"(target) {
    const post = { method: "POST", body };
    await fetch(target, { ...post, mode: "no-cors" }).catch(() => {});
    const json = { ...post, headers: { "content-type": "application/json" } };
    const isRead = await fetch(target, json).then(
      () => true,
      () => false,
    );
    if (isRead) throw new Error("Another origin reads an answer.");
    navigator.sendBeacon(target, body);
    Object.assign(document.createElement("a"), { href: "#", ping: target }).click();
    void add("link", { rel: "prefetch", href: target });
    void add("object", { data: target });
    void add("embed", { src: target });
    await Promise.all([
      add("img", { src: target }),
      add("script", { src: target }),
      add("link", { rel: "stylesheet", href: target }),
    ]);
  },
};

async function tryAll() {
  for (const [way, target] of JSON.parse(decodeURIComponent(location.hash.slice(1)))) await ways[way](target);
}

// Later than whoever opened this page waits for.
globalThis.tried = new Promise((resolve) => addEventListener("load", () => setTimeout(resolve))).then(tryAll);
