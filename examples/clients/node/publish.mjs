// Publishes a release: API_TOKEN=… node publish.mjs https://app.example.com 4.2

import { stepUp } from "./step-up.mjs";

const [origin, version] = process.argv.slice(2);
const call = stepUp(fetch, { authorization: `Bearer ${process.env.API_TOKEN}` });
try {
  const answer = await call(`${origin}/api/publish`, { method: "POST", body: new URLSearchParams({ version }) });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
