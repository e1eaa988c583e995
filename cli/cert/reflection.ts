/**
 * What the library for certificates needs before it is loaded. It is a module of its own because a
 * bundle loads modules of the other kind (CommonJS), as this package is, behind all others that the
 * same file imports: imported here, it is loaded when this file is.
 *
 * @module
 */
import "reflect-metadata";
