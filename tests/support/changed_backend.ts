import type { Backend } from "../../mod.ts";

/** A backend with other members in place of some of its own. */
export function changedBackend(backend: Backend, members: Partial<Backend>): Backend {
  return new Proxy(backend, {
    get(target, name) {
      const member: unknown = Reflect.get(Object.hasOwn(members, name) ? members : target, name);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}
