// @ts-nocheck: plain JavaScript of a package of its own.
/**
 * Generator, discriminator and one GAN-CLS step (Reed et al. 2016, section 4 and algorithm 1, in the form of the authors' code) over the
 * operations of any library. As scripts/fixtures/networks.py, for 64×64 images with residual blocks; batch norm by the batch in training.
 *
 * `ops`: conv(x, w, stride, padding), deconv(x, w, stride, padding), norm(x, scale, bias, mean?, variance?), linear(x, w, b), relu, leaky,
 * tanh, add, column (vectors [N, C] to images of one pixel), row (back), tile (one pixel to 4×4), join (channels), softplus, neg, mean.
 * `w`: weights by name, PyTorch's.
 */

/** Running statistics are used where `evaluate`, and left as they are in training: nobody reads them there. */
const layers = (ops, w, evaluate) => {
  const norm = (x, name) =>
    ops.norm(x, w[`${name}.weight`], w[`${name}.bias`], ...(evaluate ? [w[`${name}.running_mean`], w[`${name}.running_var`]] : []));
  const conv = (x, name, stride, padding) => ops.conv(x, w[`${name}.weight`], stride, padding);
  const deconv = (x, name, stride, padding) => ops.deconv(x, w[`${name}.weight`], stride, padding);
  const residual = (x, name, activation) => {
    let y = activation(norm(conv(x, `${name}.conv1`, 1, 0), `${name}.norm1`));
    y = activation(norm(conv(y, `${name}.conv2`, 1, 1), `${name}.norm2`));
    return activation(ops.add(x, norm(conv(y, `${name}.conv3`, 1, 1), `${name}.norm3`)));
  };
  return { norm, conv, deconv, residual };
};

export function generator(ops, w, noise, text, evaluate = false) {
  const { norm, deconv, residual } = layers(ops, w, evaluate);
  const projected = ops.leaky(ops.linear(text, w["text.weight"], w["text.bias"]));
  let h = deconv(ops.column(ops.join(noise, projected)), "deconv1", 1, 0);
  for (let level = 1; level <= 4; level++) {
    h = norm(h, `norm${level}`);
    h = level <= 2 ? residual(h, `residual${level}`, ops.relu) : ops.relu(h);
    h = deconv(h, `deconv${level + 1}`, 2, 1);
  }
  return ops.tanh(h);
}

export function discriminator(ops, w, images, text) {
  const { norm, conv, residual } = layers(ops, w, false);
  let h = ops.leaky(conv(images, "conv1", 2, 1));
  for (const i of [2, 3, 4]) {
    h = norm(conv(h, `conv${i}`, 2, 1), `norm${i}`);
    if (i < 4) h = ops.leaky(h);
  }
  h = residual(h, "residual", ops.leaky);
  const t = ops.leaky(norm(ops.linear(text, w["text.weight"], w["text.bias"]), "text_norm"));
  const joined = ops.join(h, ops.tile(ops.column(t)));
  return ops.row(conv(ops.leaky(norm(conv(joined, "join", 1, 0), "join_norm")), "score", 1, 0));
}

const real = (ops, logits) => ops.mean(ops.softplus(ops.neg(logits)));
const generated = (ops, logits) => ops.mean(ops.softplus(logits));

/** L_D = BCE(D(x, t), 1) + ½ BCE(D(x̃, t), 0) + ½ BCE(D(G(z, t), t), 0); `fake` is G's, cut off from its gradient. */
export function lossD(ops, d, { real: images, wrong, text }, fake) {
  const half = ops.add(generated(ops, discriminator(ops, d, wrong, text)), generated(ops, discriminator(ops, d, fake, text)));
  return ops.add(real(ops, discriminator(ops, d, images, text)), ops.scale(half, 0.5));
}

/** L_G = BCE(D(G(z, t), t), 1) */
export const lossG = (ops, g, d, { noiseG, text }) => real(ops, discriminator(ops, d, generator(ops, g, noiseG, text), text));

/** Of the tensors of a problem, a network's by their names within it. */
export const networkOf = (tensors, network) =>
  Object.fromEntries(
    Object.entries(tensors).flatMap(([name, t]) => (name.startsWith(`${network}.`) ? [[name.slice(network.length + 1), t]] : [])),
  );

export const trained = (name) => !/running_(mean|var)$/.test(name);
