/** The bundler makes one style sheet of what the parts of the page import. */
declare module '*.css';
