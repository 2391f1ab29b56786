/** Looks that a file asks for; Vite puts them in the page. */
declare module "*.css";
