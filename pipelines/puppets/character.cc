#include "pipelines/puppets/character.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "pipelines/base/smooth_step.h"

namespace pipelines::puppets {
namespace {

constexpr double kGround = 0.88;

// Width of the dark line round every part: nearly one pixel at 64 x 64, enough
// to tell an arm from the torso behind it.
constexpr double kRim = 0.026;

Measures RandomMeasures(Random& random) {
  const double height = random.Uniform(1.22, 1.48);
  const double build = random.Uniform(0.8, 1.2);  // slender to stout
  const auto share = [&](double low, double high) {
    return height * random.Uniform(low, high);
  };
  Measures m;
  m.neck = share(0.02, 0.04);
  m.head_radius = share(0.105, 0.135);
  m.torso = share(0.27, 0.33);
  m.shoulder = build * share(0.1, 0.13);
  m.hip = build * share(0.065, 0.085);
  m.upper_arm = share(0.17, 0.205);
  m.lower_arm = share(0.16, 0.195);
  m.arm_radius = build * share(0.042, 0.052);
  m.thigh = share(0.2, 0.24);
  m.shin = share(0.19, 0.23);
  m.leg_radius = build * share(0.052, 0.064);
  return m;
}

// What a puppet wears.
struct Wardrobe {
  Color skin, hair, shoe, glove, trousers, shirt;
  Paint shirt_paint;
  std::array<Paint, 2> sleeve, leg;  // left, right
  bool short_sleeves, short_trousers;
  int hairdo;
};

// A bright colour where the background is dark, a deep one where it is light.
Color Cloth(double hue, double background_value, Random& random) {
  const bool dark_background = background_value < 0.5;
  const double saturation = random.Uniform(0.6, 0.95);
  const double value =
      dark_background ? random.Uniform(0.8, 1) : random.Uniform(0.45, 0.85);
  return Hsv(hue, saturation, value);
}

Color RandomSkin(double background_value, Random& random) {
  if (random.Uniform() < 0.25) {  // puppets may be of felt
    const double hue = random.Uniform(0, 1);
    return Hsv(hue, random.Uniform(0.35, 0.6), 0.9);
  }
  const double tan =
      background_value < 0.5 ? random.Uniform(0, 0.5) : random.Uniform(0.15, 1);
  return Blend({1.0f, 0.86f, 0.73f}, {0.45f, 0.27f, 0.16f}, tan);
}

Wardrobe RandomWardrobe(double background_value, Random& random) {
  Wardrobe w;
  const double hue = random.Uniform(0, 1);
  w.skin = RandomSkin(background_value, random);
  const double hair_hue = random.Uniform(0, 0.15);
  const double hair_saturation = random.Uniform(0.2, 0.9);
  w.hair = Hsv(hair_hue, hair_saturation, random.Uniform() < 0.5 ? 0.2 : 0.75);
  w.shirt = Cloth(hue, background_value, random);
  const double trousers_hue = hue + random.Uniform(0.25, 0.75);
  w.trousers = Cloth(trousers_hue, background_value, random);
  const double accent_hue = hue + random.Uniform(0.3, 0.7);
  const Color accent = random.Uniform() < 0.4
                           ? Color(0.96f, 0.96f, 0.92f)
                           : Cloth(accent_hue, background_value, random);
  w.shoe = random.Uniform() < 0.5 ? accent : Hsv(hue, 0.5, 0.25);
  w.glove = random.Uniform() < 0.3 ? accent : w.skin;
  w.shirt_paint = RandomPattern(w.shirt, accent, 0.17, random);
  const bool harlequin = random.Uniform() < 0.3;
  for (int side = 0; side < 2; ++side) {
    const bool odd = harlequin && side == 1;
    const Color sleeve = odd ? w.trousers : w.shirt;
    const Color leg = odd ? w.shirt : w.trousers;
    w.sleeve[side] = RandomPattern(sleeve, accent, 0.11, random);
    w.leg[side] = RandomPattern(leg, Blend(leg, accent, 0.6), 0.13, random);
  }
  if (!harlequin) {
    w.sleeve[1] = w.sleeve[0];
    w.leg[1] = w.leg[0];
  }
  w.short_sleeves = random.Uniform() < 0.4;
  w.short_trousers = random.Uniform() < 0.3;
  w.hairdo = random.Below(5);
  return w;
}

// Rounds `paint` off: brighter towards the part's middle line, a dark rim.
Paint Shaded(Paint paint, const Outline& outline, double depth) {
  return [=](Point2 p) {
    const double d = -SignedDistance(outline, p);
    const double light = 0.82 + 0.24 * SmoothStep(0, depth, d);
    const double rim = SmoothStep(0.6 * kRim, kRim, d);
    const Color color = paint(p);
    return Blend(0.28f * color, light * color, rim);
  };
}

// A limb of `length` that narrows from `upper` to `lower` radius.
Piece TaperedLimb(double length, double upper, double lower) {
  const double r = 0.6 * lower;
  return {{{-(upper - r), 0},
           {upper - r, 0},
           {lower - r, length},
           {-(lower - r), length}},
          r};
}

Paint Above(double y, Paint upper, const Color& lower) {
  return [=](Point2 p) { return p.y < y ? upper(p) : lower; };
}

void MakeTorso(const Wardrobe& w, Character& puppet) {
  const Measures& m = puppet.measures;
  const double r = 0.06;
  const double shoulder = m.shoulder + 0.4 * m.arm_radius - r;
  const double hip = std::max(m.hip + 0.8 * m.leg_radius - r, 0.01);
  puppet.outlines[kTorso] = {{{{-shoulder, -m.torso + 0.3 * r},
                               {shoulder, -m.torso + 0.3 * r},
                               {hip, 0},
                               {-hip, 0}},
                              r}};
  puppet.paints[kTorso] = Above(-0.12 * m.torso, w.shirt_paint, w.trousers);
}

// Eyes and a mouth, small but there at 64 x 64.
Color Face(Point2 q, const Color& skin) {  // q in head radii, from its centre
  const double eye = std::hypot(std::abs(q.x) - 0.38, q.y + 0.05);
  if (eye < 0.12) return {0.08f, 0.07f, 0.1f};
  if (eye < 0.26) return {1, 1, 1};
  const bool mouth = std::abs(q.x) < 0.34 && q.y > 0.3 &&
                     std::abs(q.y - 0.52 + 0.7 * q.x * q.x) < 0.08;
  if (mouth) return {0.65f, 0.1f, 0.15f};
  const double cheek = std::hypot(std::abs(q.x) - 0.55, q.y - 0.35);
  return Blend({0.95f, 0.45f, 0.4f}, skin, 0.55 + SmoothStep(0.1, 0.25, cheek));
}

Outline Hairdo(int kind, Point2 centre, double r) {
  const auto at = [=](double x, double y) { return centre + r * Point2{x, y}; };
  switch (kind) {
    case 1:  // bun
      return {{{at(0, -1.15)}, 0.38 * r}};
    case 2:  // pigtails
      return {{{at(-1.0, -0.5), at(-1.25, 0.1)}, 0.26 * r},
              {{at(1.0, -0.5), at(1.25, 0.1)}, 0.26 * r}};
    case 3:  // spikes
      return {{{at(-0.6, -0.7), at(-0.75, -1.2)}, 0.17 * r},
              {{at(0, -0.8), at(0, -1.4)}, 0.17 * r},
              {{at(0.6, -0.7), at(0.75, -1.2)}, 0.17 * r}};
    case 4:  // a hat and its brim
      return {{{at(-0.5, -0.8), at(0.5, -0.8), at(0.4, -1.35), at(-0.4, -1.35)},
               0.1 * r},
              {{at(-1.05, -0.72), at(1.05, -0.72)}, 0.11 * r}};
    default:  // a crop
      return {{{at(-0.3, -0.75), at(0.3, -0.75)}, 0.4 * r}};
  }
}

void MakeHead(const Wardrobe& w, Character& puppet) {
  const Measures& m = puppet.measures;
  const double r = m.head_radius;
  const Point2 centre{0, -(m.neck + r)};
  const Outline hair = Hairdo(w.hairdo, centre, r);
  puppet.outlines[kHead] = {
      {{{0, 0.02}, {0, -m.neck - 0.5 * r}}, 0.42 * r},
      {{centre + Point2{0, -0.04 * r}, centre + Point2{0, 0.08 * r}},
       0.96 * r}};
  for (const Piece& piece : hair) puppet.outlines[kHead].push_back(piece);
  puppet.paints[kHead] = [=, skin = w.skin, color = w.hair](Point2 p) {
    const Point2 q = (1 / r) * (p - centre);
    const bool fringe = q.y < -0.45 - 0.15 * std::cos(9 * q.x);
    return fringe || SignedDistance(hair, p) < 0 ? color : Face(q, skin);
  };
}

void MakeArm(const Wardrobe& w, int side, Part upper, Part lower,
             Character& puppet) {
  const Measures& m = puppet.measures;
  const double r = m.arm_radius;
  const double length = m.lower_arm;
  puppet.outlines[upper] = {TaperedLimb(m.upper_arm, 1.1 * r, r)};
  puppet.outlines[lower] = {TaperedLimb(length, r, 0.75 * r),
                            {{{0, length}}, 1.15 * r}};
  puppet.paints[upper] = w.short_sleeves
                             ? Above(0.55 * m.upper_arm, w.sleeve[side], w.skin)
                             : w.sleeve[side];
  const Paint forearm = w.short_sleeves
                            ? Paint([=, skin = w.skin](Point2) { return skin; })
                            : w.sleeve[side];
  puppet.paints[lower] = Above(length - 0.7 * r, forearm, w.glove);
}

void MakeLeg(const Wardrobe& w, int side, Part upper, Part lower,
             Character& puppet) {
  const Measures& m = puppet.measures;
  const double r = m.leg_radius;
  const double outward = side == 0 ? -1 : 1;
  const double sole = m.shin;
  puppet.outlines[upper] = {TaperedLimb(m.thigh, 1.15 * r, 0.95 * r)};
  puppet.outlines[lower] = {
      TaperedLimb(m.shin, 0.95 * r, 0.75 * r),
      {{{-0.1 * r, sole}, {outward * 1.1 * r, sole + 0.15 * r}}, 0.8 * r}};
  puppet.paints[upper] = w.leg[side];
  const Paint shin = w.short_trousers
                         ? Paint([=, skin = w.skin](Point2) { return skin; })
                         : w.leg[side];
  puppet.paints[lower] = Above(sole - 0.75 * r, shin, w.shoe);
}

std::array<Part, kNumParts> RandomPaintingOrder(Random& random) {
  std::vector<Part> behind, before;
  const auto add_arm = [&](Part upper, Part lower) {
    if (random.Uniform() < 0.25) {
      behind.insert(behind.end(), {lower, upper});
    } else {
      before.insert(before.end(), {upper, lower});
    }
  };
  add_arm(kLeftUpperArm, kLeftLowerArm);
  add_arm(kRightUpperArm, kRightLowerArm);
  std::vector<Part> order = behind;
  if (random.Uniform() < 0.5) {
    order.insert(order.end(), {kLeftShin, kLeftThigh, kRightShin, kRightThigh});
  } else {
    order.insert(order.end(), {kRightShin, kRightThigh, kLeftShin, kLeftThigh});
  }
  order.insert(order.end(), {kTorso, kHead});
  order.insert(order.end(), before.begin(), before.end());
  std::array<Part, kNumParts> result;
  std::copy(order.begin(), order.end(), result.begin());
  return result;
}

double LowestY(const Outline& outline, const Affine2& world_from_part) {
  double lowest = -1e9;
  for (const Piece& piece : outline) {
    for (Point2 corner : piece.corners) {
      lowest = std::max(lowest, world_from_part(corner).y + piece.radius);
    }
  }
  return lowest;
}

}  // namespace

Character RandomCharacter(double background_value, Random& random) {
  Character puppet;
  puppet.measures = RandomMeasures(random);
  const Wardrobe wardrobe = RandomWardrobe(background_value, random);
  MakeTorso(wardrobe, puppet);
  MakeHead(wardrobe, puppet);
  MakeArm(wardrobe, 0, kLeftUpperArm, kLeftLowerArm, puppet);
  MakeArm(wardrobe, 1, kRightUpperArm, kRightLowerArm, puppet);
  MakeLeg(wardrobe, 0, kLeftThigh, kLeftShin, puppet);
  MakeLeg(wardrobe, 1, kRightThigh, kRightShin, puppet);
  for (int part = 0; part < kNumParts; ++part) {
    const double depth = part == kTorso || part == kHead
                             ? puppet.measures.head_radius
                             : puppet.measures.arm_radius;
    puppet.paints[part] =
        Shaded(puppet.paints[part], puppet.outlines[part], depth);
  }
  puppet.painting_order = RandomPaintingOrder(random);
  return puppet;
}

std::array<Affine2, kNumParts> WorldFromParts(const Character& puppet,
                                              const Pose& pose) {
  const Measures& m = puppet.measures;
  std::array<Affine2, kNumParts> place;
  place[kTorso] = Similarity(1, pose.lean, {pose.sway, 0});
  place[kHead] = place[kTorso] * Similarity(1, pose.nod, {0, -m.torso});
  // Raising is outward: clockwise on the picture's left, the other way round on
  // its right.
  const auto set_limb = [&](const Affine2& base, Point2 joint, double outward,
                            const LimbPose& limb, double length, Part upper,
                            Part lower) {
    place[upper] = base * Similarity(1, outward * limb.raise, joint);
    place[lower] =
        place[upper] * Similarity(1, outward * limb.bend, {0, length});
  };
  const Affine2 pelvis = Similarity(1, 0, {pose.sway, 0});
  const double armpit = -m.torso + 0.5 * m.arm_radius;
  set_limb(place[kTorso], {-m.shoulder, armpit}, 1, pose.left_arm, m.upper_arm,
           kLeftUpperArm, kLeftLowerArm);
  set_limb(place[kTorso], {m.shoulder, armpit}, -1, pose.right_arm, m.upper_arm,
           kRightUpperArm, kRightLowerArm);
  set_limb(pelvis, {-m.hip, 0}, 1, pose.left_leg, m.thigh, kLeftThigh,
           kLeftShin);
  set_limb(pelvis, {m.hip, 0}, -1, pose.right_leg, m.thigh, kRightThigh,
           kRightShin);
  const double feet =
      std::max(LowestY(puppet.outlines[kLeftShin], place[kLeftShin]),
               LowestY(puppet.outlines[kRightShin], place[kRightShin]));
  const Affine2 stand = Similarity(1, 0, {0, kGround - pose.jump - feet});
  for (Affine2& part : place) part = stand * part;
  return place;
}

}  // namespace pipelines::puppets
