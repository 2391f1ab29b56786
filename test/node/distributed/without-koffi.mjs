/** Given to node by --import: the package koffi is not there. */
import { register } from "node:module";

const hooks = `export function resolve(name, context, next) {
  if (name === "koffi") throw Object.assign(new Error("Cannot find package 'koffi'"), { code: "ERR_MODULE_NOT_FOUND" });
  return next(name, context);
}`;
register(`data:text/javascript,${encodeURIComponent(hooks)}`);
