// fetch for an API behind Stepgate: a call that is refused for want of a proof waits until its owner has proved in a
// browser who they are, and is made once more.
//
//   const call = stepUp(fetch, { authorization: `Bearer ${token}` });
//   await call("https://app.example.com/api/publish", { method: "POST", body: new URLSearchParams({ version: "4.2" }) });

import { setTimeout as pause } from "node:timers/promises";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

/** Its calls carry these headers and the key: use it for the one origin that is behind Stepgate. */
export function stepUp(fetch, headers, show = console.error) {
  let key;
  const send = (request) => {
    for (const [name, value] of Object.entries(headers)) request.headers.set(name, value);
    if (key) request.headers.set("step-up-key", key);
    return fetch(request);
  };
  const wait = async (device) => {
    const body = new URLSearchParams({ grant_type: GRANT_TYPE, device_code: device.device_code });
    for (let interval = device.interval; ; ) {
      await pause(interval * 1000);
      const told = await (await send(new Request(device.token_endpoint, { method: "POST", body }))).json();
      if (told.key) return told.key;
      if (told.error === "slow_down") interval += 5; // RFC 8628 section 3.5
      else if (told.error !== "authorization_pending") throw new Error(`not approved: ${told.error ?? told.reason}`);
    }
  };
  return async (url, options) => {
    const request = new Request(url, options);
    const answer = await send(request.clone());
    if (answer.headers.get("step-up") !== "challenge") return answer;
    const { device } = await answer.clone().json();
    if (!device) return answer;
    show(`Open ${device.verification_uri_complete}`);
    show(`and compare the code: ${device.user_code}`);
    key = await wait(device);
    return send(request);
  };
}
