/** Names and characters of the emoji that the page knows by itself; the workspace may add to them. */

const TABLE = `
grinning 😀  smiley 😃  smile 😄  grin 😁  laughing 😆  joy 😂  rofl 🤣  sweat_smile 😅  wink 😉  blush 😊  innocent 😇
heart_eyes 😍  sunglasses 😎  thinking_face 🤔  neutral_face 😐  expressionless 😑  no_mouth 😶  smirk 😏  unamused 😒
face_with_rolling_eyes 🙄  grimacing 😬  relieved 😌  pensive 😔  sleepy 😪  sleeping 😴  mask 😷  face_with_thermometer 🤒
dizzy_face 😵  exploding_head 🤯  partying_face 🥳  confused 😕  worried 😟  slightly_frowning_face 🙁  open_mouth 😮
hushed 😯  astonished 😲  flushed 😳  fearful 😨  cold_sweat 😰  cry 😢  sob 😭  scream 😱  disappointed 😞  sweat 😓  weary 😩
tired_face 😫  yawning_face 🥱  triumph 😤  rage 😡  angry 😠  skull 💀  ghost 👻  robot_face 🤖  slightly_smiling_face 🙂
upside_down_face 🙃  saluting_face 🫡  melting_face 🫠  hugging_face 🤗  zipper_mouth_face 🤐  wave 👋  raised_hand ✋
ok_hand 👌  v ✌️  crossed_fingers 🤞  point_left 👈  point_right 👉  point_up_2 👆  point_down 👇  +1 👍  thumbsup 👍  -1 👎
thumbsdown 👎  fist ✊  facepunch 👊  clap 👏  raised_hands 🙌  open_hands 👐  handshake 🤝  pray 🙏  muscle 💪  eyes 👀
brain 🧠  speaking_head_in_silhouette 🗣️  bust_in_silhouette 👤  busts_in_silhouette 👥  technologist 🧑‍💻
firefighter 🧑‍🚒  construction_worker 👷  detective 🕵️  shrug 🤷  facepalm 🤦  raising_hand 🙋  heart ❤️  orange_heart 🧡
yellow_heart 💛  green_heart 💚  blue_heart 💙  purple_heart 💜  black_heart 🖤  broken_heart 💔  100 💯  boom 💥  collision 💥
dizzy 💫  sparkles ✨  star ⭐  star2 🌟  fire 🔥  zzz 💤  speech_balloon 💬  thought_balloon 💭  rotating_light 🚨  warning ⚠️
no_entry ⛔  no_entry_sign 🚫  octagonal_sign 🛑  stop_sign 🛑  construction 🚧  vertical_traffic_light 🚦  traffic_light 🚥
sos 🆘  bangbang ‼️  exclamation ❗  heavy_exclamation_mark ❗  grey_exclamation ❕  question ❓  grey_question ❔
white_check_mark ✅  heavy_check_mark ✔️  ballot_box_with_check ☑️  x ❌  negative_squared_cross_mark ❎
heavy_multiplication_x ✖️  heavy_plus_sign ➕  heavy_minus_sign ➖  infinity ♾️  recycle ♻️  radioactive_sign ☢️
biohazard_sign ☣️  information_source ℹ️  new 🆕  ok 🆗  up 🆙  cool 🆒  free 🆓  id 🆔  red_circle 🔴  large_orange_circle 🟠
orange_circle 🟠  large_yellow_circle 🟡  yellow_circle 🟡  large_green_circle 🟢  green_circle 🟢  large_blue_circle 🔵
blue_circle 🔵  large_purple_circle 🟣  purple_circle 🟣  large_brown_circle 🟤  black_circle ⚫  white_circle ⚪
large_red_square 🟥  large_orange_square 🟧  large_yellow_square 🟨  large_green_square 🟩  large_blue_square 🟦
large_purple_square 🟪  black_large_square ⬛  white_large_square ⬜  small_red_triangle 🔺  small_red_triangle_down 🔻
small_orange_diamond 🔸  small_blue_diamond 🔹  large_orange_diamond 🔶  large_blue_diamond 🔷  black_small_square ▪️
white_small_square ▫️  diamond_shape_with_a_dot_inside 💠  radio_button 🔘  arrow_up ⬆️  arrow_down ⬇️  arrow_left ⬅️
arrow_right ➡️  arrow_upper_right ↗️  arrow_lower_right ↘️  arrow_up_down ↕️  left_right_arrow ↔️
arrows_counterclockwise 🔄  arrows_clockwise 🔃  leftwards_arrow_with_hook ↩️  arrow_right_hook ↪️  rewind ⏪
fast_forward ⏩  arrow_forward ▶️  double_vertical_bar ⏸️  black_square_for_stop ⏹️  repeat 🔁
twisted_rightwards_arrows 🔀  back 🔙  end 🔚  on 🔛  soon 🔜  top 🔝  hourglass ⌛  hourglass_flowing_sand ⏳  watch ⌚
alarm_clock ⏰  stopwatch ⏱️  timer_clock ⏲️  clock1 🕐  clock3 🕒  clock6 🕕  clock9 🕘  clock12 🕛  date 📅  calendar 📆
spiral_calendar_pad 🗓️  lock 🔒  unlock 🔓  lock_with_ink_pen 🔏  closed_lock_with_key 🔐  key 🔑  old_key 🗝️  shield 🛡️
bell 🔔  no_bell 🔕  mega 📣  loudspeaker 📢  satellite_antenna 📡  telephone_receiver 📞  phone ☎️  pager 📟  iphone 📱
computer 💻  desktop_computer 🖥️  printer 🖨️  keyboard ⌨️  floppy_disk 💾  cd 💿  dvd 📀  file_cabinet 🗄️
card_file_box 🗃️  package 📦  battery 🔋  low_battery 🪫  electric_plug 🔌  bulb 💡  flashlight 🔦  wrench 🔧  hammer 🔨
hammer_and_wrench 🛠️  gear ⚙️  nut_and_bolt 🔩  link 🔗  chains ⛓️  toolbox 🧰  magnet 🧲  test_tube 🧪  microscope 🔬
mag 🔍  mag_right 🔎  wastebasket 🗑️  broom 🧹  anchor ⚓  lifebuoy 🛟  ring_buoy 🛟  fire_extinguisher 🧯  ladder 🪜
ambulance 🚑  fire_engine 🚒  police_car 🚓  helicopter 🚁  rocket 🚀  airplane ✈️  ship 🚢  truck 🚚  red_car 🚗  bike 🚲
memo 📝  pencil 📝  pencil2 ✏️  clipboard 📋  page_facing_up 📄  page_with_curl 📃  bookmark_tabs 📑  newspaper 📰  books 📚
book 📖  notebook 📓  ledger 📒  scroll 📜  label 🏷️  bookmark 🔖  paperclip 📎  pushpin 📌  round_pushpin 📍  scissors ✂️
file_folder 📁  open_file_folder 📂  card_index_dividers 🗂️  bar_chart 📊  chart_with_upwards_trend 📈
chart_with_downwards_trend 📉  inbox_tray 📥  outbox_tray 📤  email 📧  envelope ✉️  incoming_envelope 📨  love_letter 💌
mailbox 📫  ballot_box_with_ballot 🗳️  receipt 🧾  moneybag 💰  money_with_wings 💸  credit_card 💳  scales ⚖️  sunny ☀️
cloud ☁️  partly_sunny ⛅  rain_cloud 🌧️  thunder_cloud_and_rain ⛈️  lightning 🌩️  zap ⚡  snowflake ❄️  ocean 🌊
tornado 🌪️  rainbow 🌈  umbrella ☔  earth_africa 🌍  earth_americas 🌎  globe_with_meridians 🌐  crescent_moon 🌙
seedling 🌱  evergreen_tree 🌲  deciduous_tree 🌳  herb 🌿  four_leaf_clover 🍀  mushroom 🍄  rose 🌹  sunflower 🌻  coffee ☕
tea 🍵  beer 🍺  beers 🍻  wine_glass 🍷  champagne 🍾  pizza 🍕  hamburger 🍔  taco 🌮  cookie 🍪  doughnut 🍩  cake 🍰
birthday 🎂  apple 🍎  banana 🍌  popcorn 🍿  tada 🎉  confetti_ball 🎊  balloon 🎈  gift 🎁  trophy 🏆  medal 🏅
first_place_medal 🥇  dart 🎯  game_die 🎲  jigsaw 🧩  checkered_flag 🏁  triangular_flag_on_post 🚩  white_flag 🏳️  flags 🎏
performing_arts 🎭  clapper 🎬  headphones 🎧  musical_note 🎵  art 🎨  crystal_ball 🔮  bug 🐛  ant 🐜  bee 🐝  beetle 🐞
snail 🐌  turtle 🐢  snake 🐍  octopus 🐙  crab 🦀  fish 🐟  whale 🐳  dolphin 🐬  elephant 🐘  dog 🐶  cat 🐱  mouse 🐭
fox_face 🦊  bear 🐻  panda_face 🐼  monkey_face 🐵  see_no_evil 🙈  hear_no_evil 🙉  speak_no_evil 🙊  penguin 🐧  bird 🐦
owl 🦉  unicorn_face 🦄  sloth 🦥  one 1️⃣  two 2️⃣  three 3️⃣  four 4️⃣  five 5️⃣  six 6️⃣  seven 7️⃣  eight 8️⃣
nine 9️⃣  keycap_ten 🔟  zero 0️⃣  house 🏠  office 🏢  factory 🏭  hospital 🏥  bank 🏦  store 🏪  school 🏫
building_construction 🏗️
`;

const known = new Map(TABLE.trim().split(/\s{2,}|\n/).map((pair) => pair.split(" ")));

/** Learn the workspace's own names (name -> character). */
export function learnEmoji(more) {
  for (const [name, character] of Object.entries(more ?? {})) known.set(name, character);
}

/** The character of a name, with a skin tone given as name::skin-tone-3 left out; undefined where unknown. */
export function emojiFor(name) {
  return known.get(name.split("::")[0]);
}

/** Names that hold `part`, those that start with it first. */
export function searchEmoji(part, limit = 40) {
  const wanted = part.toLowerCase();
  const names = [...known.keys()].filter((name) => name.includes(wanted));
  const rank = (name) => (name === wanted ? 0 : name.startsWith(wanted) ? 1 : 2);
  return names.sort((a, b) => rank(a) - rank(b)).slice(0, limit);
}
